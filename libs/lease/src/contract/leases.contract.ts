import { LEASE_DOCUMENT_LENGTH_MAX, LeaseError, type Leases } from '../leases.js';

/** A lease technology under test. */
export interface LeasesHarness {
  /** One process's handle on the service; several are on the same one. */
  open(): Promise<Leases>;
  /** Lets so much of the service's time go by, at least. */
  pass(ms: number): Promise<void>;
  close(): Promise<void>;
}

const LONG_MS = 60_000;
const SHORT_MS = 200;
const GOES_ON_MS_MAX = 10_000;

/** Every promise of `Leases`, one case or more each. An adapter's whole spec is a call of this. */
export function describeLeasesContract(name: string, openHarness: () => Promise<LeasesHarness>): void {
  describe(`leases contract: ${name}`, () => {
    let harness: LeasesHarness;
    let one: Leases;
    let other: Leases;
    let group: string;
    let groups = 0;

    beforeAll(async () => {
      harness = await openHarness();
    });
    beforeEach(async () => {
      [one, other] = [await harness.open(), await harness.open()];
      group = `group-${++groups}`;
    });
    afterEach(() => Promise.all([one.close(), other.close()]));
    afterAll(() => harness.close());

    const documentOf = async (leases: Leases, of = group): Promise<string | null> => (await leases.read(of)).document;

    it('has nothing at first', async () => {
      expect(await documentOf(one)).toBeNull();
      expect(await one.replace(group, 'something', 'a', LONG_MS)).toBe(false);
      expect(await documentOf(one)).toBeNull();
    });

    it('replaces what is as expected, for all to see', async () => {
      expect(await one.replace(group, null, 'a', LONG_MS)).toBe(true);
      expect(await documentOf(other)).toBe('a');
      expect(await other.replace(group, 'a', 'b', LONG_MS)).toBe(true);
      expect(await documentOf(one)).toBe('b');
    });

    it('changes nothing when something else is there', async () => {
      await one.replace(group, null, 'a', LONG_MS);
      for (const expected of [null, '', 'A', 'a ', 'aa']) {
        expect(await other.replace(group, expected, 'b', LONG_MS)).toBe(false);
      }
      expect(await documentOf(one)).toBe('a');
    });

    it('lets one win of several that expect the same', async () => {
      for (const expected of [null, 'winner-1']) {
        const next = expected === null ? 'winner-1' : 'winner-2';
        const results = await Promise.all(
          [one, other, one, other].map((leases) => leases.replace(group, expected, next, LONG_MS)),
        );
        expect(results.filter((replaced) => replaced)).toHaveLength(1);
      }
    });

    it('keeps a document to the letter', async () => {
      const odd = '{"holder":"Zoë \\u0000 \'quoted\' \u{1f339}\n","parts":[]}';
      await one.replace(group, null, odd, LONG_MS);
      expect(await documentOf(other)).toBe(odd);
      expect(await other.replace(group, odd, '', LONG_MS)).toBe(true);
      expect(await documentOf(one)).toBe('');
      expect(await one.replace(group, '', 'a', LONG_MS)).toBe(true);
    });

    it('knows groups apart', async () => {
      await one.replace(group, null, 'a', LONG_MS);
      expect(await documentOf(one, `${group}0`)).toBeNull();
      expect(await one.replace(`${group}0`, null, 'b', LONG_MS)).toBe(true);
      expect(await documentOf(one)).toBe('a');
    });

    it('forgets a document that nobody replaces, and not one that is replaced', async () => {
      await one.replace(group, null, 'a', SHORT_MS);
      await one.replace(`${group}-kept`, null, 'a', SHORT_MS);
      await one.replace(`${group}-kept`, 'a', 'b', LONG_MS);
      await harness.pass(SHORT_MS + 1);
      expect(await documentOf(one)).toBeNull();
      expect(await one.replace(group, 'a', 'b', LONG_MS)).toBe(false);
      expect(await documentOf(one, `${group}-kept`)).toBe('b');
    });

    it('has one time for all, which goes on', async () => {
      const first = (await one.read(group)).nowMs;
      expect((await other.read(group)).nowMs).toBeGreaterThanOrEqual(first);
      let last = first;
      for (let passedMs = 0; last < first + SHORT_MS && passedMs < GOES_ON_MS_MAX; passedMs += SHORT_MS) {
        await harness.pass(SHORT_MS);
        last = (await one.read(group)).nowMs;
      }
      expect(last).toBeGreaterThanOrEqual(first + SHORT_MS);
    });

    it('refuses a document that is too long, and takes the longest', async () => {
      const longest = 'x'.repeat(LEASE_DOCUMENT_LENGTH_MAX);
      await expect(one.replace(group, null, `${longest}x`, LONG_MS)).rejects.toThrow(RangeError);
      expect(await documentOf(one)).toBeNull();
      expect(await one.replace(group, null, longest, LONG_MS)).toBe(true);
      expect(await documentOf(one)).toBe(longest);
    });

    it('answers nothing once it is closed', async () => {
      await one.close();
      const asked = [one.read(group), one.replace(group, null, 'a', LONG_MS)];
      for (const settled of await Promise.allSettled(asked)) {
        expect(settled).toMatchObject({ status: 'rejected', reason: { code: 'unavailable' } });
        expect((settled as PromiseRejectedResult).reason).toBeInstanceOf(LeaseError);
      }
      expect(await documentOf(other)).toBeNull();
    });
  });
}
