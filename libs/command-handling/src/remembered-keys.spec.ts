import { hashBody, KEYS_REMEMBERED_MIN, KEYS_UNPACKED_MAX, RememberedKeys, sameBody } from './remembered-keys.js';

const bodyHash = (n: number): string => hashBody(`body ${n}`);

function rememberAll(keys: RememberedKeys, from: number, to: number): void {
  for (let n = from; n < to; n++) keys.remember(`key-${n}`, { bodyHash: bodyHash(n), revision: n, eventCount: 1 });
}

describe('remembered keys', () => {
  it('are found while fresh and when packed, with body, revision and count of events', () => {
    const keys = new RememberedKeys();
    const far = 2 ** 40 + 12_345;
    keys.remember('a', { bodyHash: bodyHash(1), revision: 7, eventCount: 3 });
    keys.remember('b', { bodyHash: bodyHash(2), revision: far, eventCount: 255 });
    for (const known of [keys, new RememberedKeys(keys.packedBytes())]) {
      expect(known.find('a')).toMatchObject({ revision: 7, eventCount: 3 });
      expect(known.find('b')).toMatchObject({ revision: far, eventCount: 255 });
      expect(sameBody(known.find('a')!.bodyHash, bodyHash(1))).toBe(true);
      expect(sameBody(known.find('a')!.bodyHash, bodyHash(2))).toBe(false);
      expect(known.find('c')).toBeUndefined();
      expect(known.size).toBe(2);
    }
  });

  it('go on after a snapshot', () => {
    const keys = new RememberedKeys();
    rememberAll(keys, 0, 1_000);
    const restored = new RememberedKeys(keys.packedBytes());
    rememberAll(restored, 1_000, 2_000);
    const again = new RememberedKeys(restored.packedBytes());
    for (let n = 0; n < 2_000; n++) expect(again.find(`key-${n}`)).toMatchObject({ revision: n });
  });

  it('are bounded: the newest 20,000 stay, whatever comes', () => {
    const keys = new RememberedKeys();
    rememberAll(keys, 0, 70_000);
    expect(keys.size).toBeLessThanOrEqual(KEYS_REMEMBERED_MIN + KEYS_UNPACKED_MAX);
    keys.pack();
    expect(keys.size).toBe(KEYS_REMEMBERED_MIN);
    expect(keys.packedBytes().length).toBe(KEYS_REMEMBERED_MIN * 28);
    const oldest = 70_000 - KEYS_REMEMBERED_MIN;
    for (let n = oldest; n < 70_000; n++) expect(keys.find(`key-${n}`)?.revision).toBe(n);
    expect(keys.find(`key-${oldest - 1}`)).toBeUndefined();
  });

  it('keep the newer of two with one name', () => {
    const keys = new RememberedKeys();
    keys.remember('a', { bodyHash: bodyHash(1), revision: 1, eventCount: 1 });
    keys.pack();
    keys.remember('a', { bodyHash: bodyHash(2), revision: 2, eventCount: 1 });
    keys.pack();
    expect(keys.size).toBe(1);
    expect(keys.find('a')).toMatchObject({ revision: 2 });
  });
});
