import {
  array,
  assert,
  boolean,
  double,
  integer,
  jsonValue,
  maxSafeInteger,
  oneof,
  property,
  record,
  string,
} from 'fast-check';
import type { Position } from '@livegift/kernel';
import { Block } from './block.js';
import { BlockEncoder } from './block.encoder.js';
import type { Recording } from './block.format.js';
import { positionOf } from './sequence.js';

const METADATA = { $correlationId: 'c', $causationId: 'c', recordedAt: '2026-03-01T12:00:00.000Z' };

function recording(data: unknown, revision: number): Recording {
  const position = '' as Position;
  return {
    id: `id-${revision}`,
    type: `Type${revision % 3}`,
    schemaVersion: 1,
    data,
    metadata: METADATA,
    stream: 's',
    revision,
    position,
  };
}

/** The data of each block's events, as written and read back. */
function throughBlocks(blocks: readonly (readonly unknown[])[]): unknown[][] {
  const encoder = new BlockEncoder();
  encoder.useBuffer(Buffer.alloc(64));
  let first = 1;
  return blocks.map((values) => {
    const events = values.map(recording);
    for (const event of events) encoder.add(event);
    const block = Block.from(Buffer.from(encoder.endBlock(events, 0, first)));
    if (typeof block === 'string') throw new Error(block);
    const read = block.events(block.first, block.last);
    expect(read.map(({ position }) => position)).toEqual(events.map((_, at) => positionOf(first + at)));
    for (const [at, event] of read.entries()) expect(block.events(first + at, first + at)).toEqual([event]);
    first += values.length;
    return read.map(({ data }) => data);
  });
}

const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe('blocks', () => {
  it('give back any JSON, in blocks of few and of many events', () => {
    const anyBlock = array(jsonValue({ maxDepth: 4 }), { minLength: 1, maxLength: 30 });
    const roundTrip = property(array(anyBlock, { minLength: 1, maxLength: 4 }), (blocks) => {
      expect(throughBlocks(blocks)).toStrictEqual(asJson(blocks));
    });
    assert(roundTrip, { numRuns: 100 });
  });

  it('give back any text and number as JSON does', () => {
    const leaf = oneof(string({ unit: 'binary', maxLength: 100 }), double(), maxSafeInteger(), integer(), boolean());
    const value = record({ a: leaf, b: array(leaf) }, { requiredKeys: [] });
    const roundTrip = property(array(value, { minLength: 1, maxLength: 20 }), (values) => {
      expect(throughBlocks([values])).toStrictEqual([asJson(values)]);
    });
    assert(roundTrip, { numRuns: 100 });
  });

  it('go on when events come in more shapes than a dictionary holds', () => {
    const blocks = Array.from({ length: 12 }, (_, block) =>
      Array.from({ length: 50 }, (__, at) => ({ [`key${block * 50 + at}`]: { [`in${at}`]: at }, shared: true })),
    );
    expect(throughBlocks(blocks)).toStrictEqual(blocks);
  });

  it('take a broken append back', () => {
    const encoder = new BlockEncoder();
    encoder.useBuffer(Buffer.alloc(64));
    const kept = Array.from({ length: 20 }, (_, at) => recording({ at }, at));
    for (const event of kept.slice(0, 10)) encoder.add(event);
    const mark = encoder.mark();
    encoder.add(recording({ gone: true }, 99));
    expect(() => encoder.add(recording({ big: 1n }, 99))).toThrow(TypeError);
    encoder.rollBack(mark);
    for (const event of kept.slice(10)) encoder.add(event);
    const block = Block.from(Buffer.from(encoder.endBlock(kept, 0, 1))) as Block;
    expect(block.events(1, 20).map(({ data }) => data)).toEqual(kept.map(({ data }) => data));
  });

  it('say what is wrong with them', () => {
    const encoder = new BlockEncoder();
    encoder.useBuffer(Buffer.alloc(64));
    const events = [recording({ coins: 5 }, 0)];
    encoder.add(events[0]!);
    const whole = Buffer.from(encoder.endBlock(events, 0, 7));
    for (let at = 0; at < whole.length; at++) {
      const changed = Buffer.from(whole);
      changed[at]! ^= 1 << (at % 8);
      expect(typeof Block.from(changed)).toBe('string');
      expect(typeof Block.from(whole.subarray(0, at))).toBe('string');
    }
  });
});
