import { KEYS_REMEMBERED_MIN, KEYS_UNPACKED_MAX, RememberedKeys } from './remembered-keys.js';

function rememberAll(keys: RememberedKeys, from: number, to: number): void {
  for (let n = from; n < to; n++) keys.remember(`key-${n}`, n, 1);
}

describe('remembered keys', () => {
  it('are found while fresh and when packed, with revision and count of events', () => {
    const keys = new RememberedKeys();
    const far = 2 ** 40 + 12_345;
    keys.remember('a', 7, 3);
    keys.remember('b', far, 255);
    for (const known of [keys, new RememberedKeys(keys.packedBytes())]) {
      expect(known.find('a')).toEqual({ revision: 7, eventCount: 3 });
      expect(known.find('b')).toEqual({ revision: far, eventCount: 255 });
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
    expect(keys.size).toBeLessThanOrEqual(KEYS_REMEMBERED_MIN * 1.25 + KEYS_UNPACKED_MAX);
    keys.pack();
    expect(keys.size).toBeLessThanOrEqual(KEYS_REMEMBERED_MIN * 1.25);
    expect(keys.packedBytes().length).toBe(keys.size * 20);
    const oldest = 70_000 - KEYS_REMEMBERED_MIN;
    for (let n = oldest; n < 70_000; n++) expect(keys.find(`key-${n}`)?.revision).toBe(n);
    expect(keys.find(`key-${oldest - KEYS_REMEMBERED_MIN / 2}`)).toBeUndefined();
  });

  it('keep the newer of two with one name', () => {
    const keys = new RememberedKeys();
    keys.remember('a', 1, 1);
    keys.pack();
    keys.remember('a', 2, 1);
    keys.pack();
    expect(keys.size).toBe(1);
    expect(keys.find('a')).toMatchObject({ revision: 2 });
  });
});
