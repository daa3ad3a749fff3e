import type { HistoryRow } from './history-rows.js';
import { RowOccurrences, rowHash } from './row-occurrences.js';

const row = (fields: Partial<HistoryRow> = {}): HistoryRow => ({
  fileLine: 2,
  at: '2016-07-01T01:16:54Z',
  roomId: 'r',
  creatorId: 'c',
  viewerId: 'v',
  coins: 5,
  ...fields,
});

describe('the importId of a row', () => {
  it('is the same for the same row and differs with any field', () => {
    const hashes = [row(), row({ at: 'x' }), row({ roomId: 'x' }), row({ creatorId: 'x' }), row({ viewerId: 'x' })];
    expect(new Set([...hashes, row({ coins: 6 })].map(rowHash)).size).toBe(6);
    expect(rowHash(row({ fileLine: 99 }))).toBe(rowHash(row()));
  });

  it('is the one that earlier versions gave to a row in canonical spelling', () => {
    expect(rowHash(row())).toBe('a3574d35a61f610e0b9c47d1a4e8aa39');
  });

  it('does not let neighbouring fields run into each other', () => {
    expect(rowHash(row({ roomId: 'ab', creatorId: 'c' }))).not.toBe(rowHash(row({ roomId: 'a', creatorId: 'bc' })));
  });

  it.each([true, false])('counts equal rows of one file, in order of time: %s', (inOrderOfTime) => {
    const ids = new RowOccurrences(inOrderOfTime);
    const given = [row(), row({ viewerId: 'w' }), row()].map((each) => ids.importId(each));
    expect(given).toEqual([`${rowHash(row())}-1`, `${rowHash(row({ viewerId: 'w' }))}-1`, `${rowHash(row())}-2`]);
    expect(given.every((id) => /^[A-Za-z0-9._:-]{1,128}$/.test(id))).toBe(true);
  });

  it('remembers only one instant of a file in order, and refuses an endless one without', () => {
    const rows = Array.from({ length: 50 }, (_, index) => row({ at: `2016-07-01T01:16:${10 + index}Z` }));
    const ordered = new RowOccurrences(true, 10);
    expect(new Set(rows.map((each) => ordered.importId(each))).size).toBe(50);
    const unordered = new RowOccurrences(false, 10);
    expect(() => rows.map((each) => unordered.importId(each))).toThrow(/sort the file/);
  });
});
