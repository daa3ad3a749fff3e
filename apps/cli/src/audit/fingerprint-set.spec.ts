import { FingerprintSet } from './fingerprint-set.js';

describe('the set of fingerprints', () => {
  it('knows what was added, through every growth, and nothing else', () => {
    const set = new FingerprintSet();
    const texts = Array.from({ length: 50_000 }, (_, index) => `wallet-${index % 100}\nkey-${index}`);
    expect(texts.every((text) => set.add(text))).toBe(true);
    expect(texts.some((text) => set.add(text))).toBe(false);
    expect(set.size).toBe(50_000);
  });
});
