import type { Position } from '@livegift/kernel';
import type { BlockLog } from './block-log.js';
import { positionOf } from './sequence.js';
import type { StreamIndex } from './stream-index.js';

/** What `verify` says of one block. */
export interface VerifiedBlock {
  /** Position of its first event. */
  readonly first: Position;
  readonly events: number;
  /** What is wrong with it, in words, or null. */
  readonly damage: string | null;
}

/** Reads one block with its checksum, decodes its events, and looks each of them up in the index of streams, if it can be read. */
export function verifyBlock(
  blocks: BlockLog,
  index: StreamIndex | null,
  first: number,
): VerifiedBlock & { readonly next: number | null } {
  let events = 0;
  let damage: string | null = null;
  let next: number | null = null;
  try {
    const block = blocks.read(first);
    next = block.last + 1;
    for (const { stream, revision, position } of block.events(block.first, block.last)) {
      const indexed = index === null ? null : index.positions(stream, revision, revision)[0]!;
      if (indexed !== null && positionOf(indexed) !== position)
        damage = `the index leads elsewhere for ${stream} at revision ${revision}`;
      events++;
    }
  } catch (error) {
    damage = (error as Error).message;
  }
  return { first: positionOf(first), events, damage, next: next ?? blocks.firstAfter(first) };
}
