const SEED = 0x9747b28c;
const M = 0x5bd1e995;
const utf8 = new TextEncoder();

/**
 * The source partition of a room: murmur2 of its id in UTF-8, made positive, as Kafka's own clients choose the partition
 * of a key. So whoever partitions anything else by room in Kafka finds it beside the room's messages.
 */
export function sourcePartitionOf(roomId: string, sourcePartitionCount: number): number {
  return (murmur2(utf8.encode(roomId)) & 0x7fffffff) % sourcePartitionCount;
}

function murmur2(bytes: Uint8Array): number {
  const { length } = bytes;
  const whole = length - (length % 4);
  let hash = SEED ^ length;
  for (let i = 0; i < whole; i += 4) {
    let word = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    word = Math.imul(word, M);
    word = Math.imul(word ^ (word >>> 24), M);
    hash = Math.imul(hash, M) ^ word;
  }
  if (whole < length) {
    for (let i = length - 1; i >= whole; i--) hash ^= bytes[i]! << (8 * (i - whole));
    hash = Math.imul(hash, M);
  }
  hash = Math.imul(hash ^ (hash >>> 13), M);
  return hash ^ (hash >>> 15);
}
