/// <reference types="jest" />
import { ContractContext, type OpenEventStoreHarness } from './harness.js';

const VALUES: Readonly<Record<string, unknown>> = {
  'an empty object': {},
  'null, true, false': { none: null, yes: true, no: false },
  'nested objects and arrays': { list: [1, [2, [3, { four: [] }]], { five: {} }], object: { in: { in: { in: 1 } } } },
  'text of every plane': 'é ß 漢字 עברית 😀 \u0000\u001f\u2028 "quoted" \\ back',
  'lone surrogates': { high: '\ud800', low: 'x\udc00y' },
  'keys of every kind': { '': 1, 'with space': 2, '1': 3, ключ: 4, $dollar: 5, 'a.b': 6, constructor: 7, toString: 8 },
  'integers up to 2^53': [
    0,
    -1,
    127,
    128,
    255,
    256,
    65_535,
    65_536,
    2 ** 31,
    2 ** 32,
    -(2 ** 31) - 1,
    2 ** 53 - 1,
    -(2 ** 53),
  ],
  fractions: [0.1, -0.1, 1.5, 1e-7, 1e21, 1.7976931348623157e308, 5e-324, 0.30000000000000004],
  'a long text': 'ü'.repeat(70_000),
  'many keys': Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`key${n}`, n])),
  'only a text': 'text',
  'only a number': 42,
  'only null': null,
  'what JSON changes': { gone: undefined, zero: -0, none: Number.NaN, when: new Date(0), list: [undefined] },
};

export function describeFidelity(open: OpenEventStoreHarness): void {
  describe('fidelity', () => {
    const given = ContractContext.forTopic(open);
    const stream = (): string => streamName;
    let streamName = '';

    beforeAll(async () => {
      streamName = given.fresh('fidelity');
      const events = Object.values(VALUES).map((data) => given.event(data));
      for (const [n, event] of events.entries())
        await given.store.append(streamName, [event], n === 0 ? 'no-stream' : n - 1);
      // The same once more in one append: adapters may write many events otherwise than one.
      await given.store.append(
        streamName,
        events.map((event) => given.event(event.data)),
        events.length - 1,
      );
    });

    const readsAsJson = async (name: string): Promise<void> => {
      const at = Object.keys(VALUES).indexOf(name);
      const expected: unknown = JSON.parse(JSON.stringify(VALUES[name]));
      for (const from of [at, at + Object.keys(VALUES).length]) {
        const [event] = await given.store.readStream(stream(), { from, limit: 1 });
        expect(event!.data).toStrictEqual(expected);
        expect(JSON.stringify(event!.data)).toBe(JSON.stringify(expected));
      }
    };

    it.each(Object.keys(VALUES))('keeps %s as JSON does', readsAsJson);

    describe('after a restart', () => {
      beforeAll(async () => {
        await given.restart();
      });
      it.each(Object.keys(VALUES))('keeps %s as JSON does', readsAsJson);
    });
  });
}
