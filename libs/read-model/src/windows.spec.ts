import { periodOf } from './windows.js';

const month = (at: string, utcOffsetMs = 0): (string | null)[] => {
  const { startsAtMs, endsAtMs } = periodOf('month', Date.parse(at), utcOffsetMs);
  return [startsAtMs, endsAtMs].map((ms) => (ms === null ? null : new Date(ms).toISOString()));
};

describe('a month', () => {
  it('ends where the next begins, also over a year', () => {
    expect(month('2016-12-31T23:59:59Z')).toEqual(['2016-12-01T00:00:00.000Z', '2017-01-01T00:00:00.000Z']);
  });

  it('begins at midnight of the deployment', () => {
    expect(month('2016-07-31T22:30:00Z', 2 * 3_600_000)).toEqual([
      '2016-07-31T22:00:00.000Z',
      '2016-08-31T22:00:00.000Z',
    ]);
  });

  it('of the first century is not one of the last', () => {
    expect(month('0001-01-15T00:00:00Z')).toEqual(['0001-01-01T00:00:00.000Z', '0001-02-01T00:00:00.000Z']);
    expect(month('0000-12-15T00:00:00Z')).toEqual(['0000-12-01T00:00:00.000Z', '0001-01-01T00:00:00.000Z']);
  });
});
