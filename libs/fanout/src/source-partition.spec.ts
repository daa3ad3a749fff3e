import { sourcePartitionOf } from './source-partition.js';

describe('the source partition of a room', () => {
  // Each taken from Kafka's own UtilsTest for murmur2, made positive.
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('of %s is what Kafka gives that key', (key, murmur2) => {
    expect(sourcePartitionOf(key, 0x7fffffff)).toBe((murmur2 & 0x7fffffff) % 0x7fffffff);
    expect(sourcePartitionOf(key, 12)).toBe((murmur2 & 0x7fffffff) % 12);
  });
});
