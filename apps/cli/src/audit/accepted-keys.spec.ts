import { AcceptedKeys, REMEMBERED_COMMANDS, REMEMBERED_SECONDS } from './accepted-keys.js';

const NOON = 1_767_268_800;

describe('the keys that a stream must remember', () => {
  const accepting = (
    keys: AcceptedKeys,
  ): ((key: string, recordedSeconds?: number, stream?: number) => number | null) => {
    let revision = -1;
    return (key, recordedSeconds = NOON, stream = 0) =>
      keys.accept(key, { stream, revision: ++revision, recordedSeconds })?.revision ?? null;
  };

  it('are its newest 20,000: the oldest of them is a finding, the one before it may come back', () => {
    for (const others of [REMEMBERED_COMMANDS - 1, REMEMBERED_COMMANDS]) {
      const accept = accepting(new AcceptedKeys());
      expect(accept('again')).toBeNull();
      for (let n = 0; n < others; n++) expect(accept(`k-${n}`)).toBeNull();
      expect(accept('again')).toBe(others < REMEMBERED_COMMANDS ? 0 : null);
    }
  });

  it('are those of 24 hours', () => {
    const accept = accepting(new AcceptedKeys());
    accept('again');
    expect(accept('again', NOON + REMEMBERED_SECONDS)).toBeNull();
    expect(accept('again', NOON + 2 * REMEMBERED_SECONDS - 1)).toBe(1);
  });

  it('are each stream’s own', () => {
    const accept = accepting(new AcceptedKeys());
    accept('again', NOON, 0);
    expect(accept('again', NOON, 1)).toBeNull();
    expect(accept('again', NOON, 0)).toBe(0);
  });

  it('take no more memory however often old keys come back', () => {
    const keys = new AcceptedKeys();
    const accept = accepting(keys);
    const cycle = REMEMBERED_COMMANDS + 1;
    for (let n = 0; n < 20 * cycle; n++) if (accept(`k-${n % cycle}`) !== null) throw new Error(`a finding at ${n}`);
    for (let n = 0; n < 10 * cycle; n++) if (accept(`new-${n}`) !== null) throw new Error(`a finding at new ${n}`);
    expect(keys.size).toBeLessThan(4 * REMEMBERED_COMMANDS);
  });

  it('are forgotten when a day has gone by in the log', () => {
    const keys = new AcceptedKeys();
    const accept = accepting(keys);
    for (let n = 0; n < 200_000; n++) accept('one', NOON + n * 60, n);
    expect(keys.size).toBeLessThan(10_000);
  });
});
