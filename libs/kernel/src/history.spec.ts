import { generationOf, historyIdOf, HistorySpelling, isSameStore, storeUuidOf } from './history.js';

const STORE = '9f1f2b1e-8a53-4c08-9d5c-3f0a3b1d2c4e';
const GENERATION = '0123456789abcdef';
const POSITION = '0000000000000042';

describe('the id of a history', () => {
  it('is the store alone until a backup is restored', () => {
    expect(historyIdOf(STORE, null)).toBe(STORE);
    expect(generationOf(STORE)).toBeNull();
  });

  it('names store and generation after a restore', () => {
    const restored = historyIdOf(STORE, GENERATION);
    expect([storeUuidOf(restored), generationOf(restored)]).toEqual([STORE, GENERATION]);
    expect(isSameStore(restored, STORE)).toBe(true);
    expect(isSameStore(restored, historyIdOf('another', GENERATION))).toBe(false);
  });
});

describe('positions as clients see them', () => {
  const original = new HistorySpelling(STORE);
  const restored = new HistorySpelling(historyIdOf(STORE, GENERATION));

  it('are the positions themselves until a backup is restored', () => {
    expect(original.tell(POSITION)).toBe(POSITION);
    expect(original.readPosition(POSITION)).toBe(POSITION);
  });

  it('carry the generation after a restore and keep their order', () => {
    expect(restored.tell(POSITION)).toBe(`${GENERATION}-${POSITION}`);
    expect(restored.readPosition(restored.tell(POSITION))).toBe(POSITION);
    expect(restored.tell('0000000000000043') > restored.tell(POSITION)).toBe(true);
  });

  it('are recognized as those of another history', () => {
    const other = new HistorySpelling(historyIdOf(STORE, 'fedcba9876543210'));
    expect(restored.readPosition(POSITION)).toBe('other-history');
    expect(original.readPosition(restored.tell(POSITION))).toBe('other-history');
    expect(restored.readPosition(other.tell(POSITION))).toBe('other-history');
  });

  it.each(['', '12', 'x', `${GENERATION}-`, `${GENERATION}-x`, `${GENERATION}${POSITION}x`])(
    'are malformed as %j',
    (text) => expect(restored.readPosition(text)).toBe('malformed'),
  );
});
