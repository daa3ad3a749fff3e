import type { ReadAllOptions, ReadStreamOptions } from '@livegift/event-store';
import { EventStoreError } from '@livegift/event-store';
import type { RecordedEvent } from '@livegift/kernel';
import type { BlockLog } from './block-log.js';
import type { RecentEvents } from './recent-events.js';
import { sequenceOf } from './sequence.js';
import type { StreamIndex } from './stream-index.js';

export const READ_EVENTS_MAX = 10_000;

/** Reads of the durable log, up to `end`: from memory where it is new, else from blocks. */
export class LogReads {
  constructor(
    private readonly blocks: BlockLog,
    /** Null where no stream is read. */
    private readonly index: StreamIndex | null,
    private readonly recent: RecentEvents | null,
    private readonly file: string,
  ) {}

  isInMemory(from: number): boolean {
    return this.recent !== null && from >= this.recent.first;
  }

  range(from: number, to: number): RecordedEvent[] {
    if (this.isInMemory(from)) return this.recent!.range(from, to);
    return this.blocks.range(from, to);
  }

  all(options: ReadAllOptions, end: number): RecordedEvent[] {
    const limit = Math.min(options.limit, READ_EVENTS_MAX);
    if (options.direction === 'backwards') {
      const to = options.after ? Math.min(sequenceOf(options.after) - 1, end) : end;
      const from = Math.max(1, to - limit + 1);
      return from > to ? [] : this.range(from, to).reverse();
    }
    const from = options.after ? sequenceOf(options.after) + 1 : 1;
    const to = Math.min(end, from + limit - 1);
    return from > to ? [] : this.range(from, to);
  }

  stream(stream: string, options: ReadStreamOptions): RecordedEvent[] {
    const limit = Math.min(options.limit, READ_EVENTS_MAX);
    const index = this.index!;
    const head = index.head(stream);
    const backwards = options.direction === 'backwards';
    const start = backwards ? Math.min(options.from ?? head, head) : (options.from ?? 0);
    const from = backwards ? Math.max(0, start - limit + 1) : start;
    const to = backwards ? start : Math.min(head, start + limit - 1);
    if (from > to) return [];
    const events = this.#at(index.positions(stream, from, to));
    for (let i = 0; i < events.length; i++) {
      const event = events[i]!;
      if (event.stream !== stream || event.revision !== from + i) {
        const found = `${event.stream} at revision ${event.revision}`;
        throw new EventStoreError('damaged', `${this.file}: the index of stream ${stream} leads to ${found}`);
      }
    }
    return backwards ? events.reverse() : events;
  }

  #at(positions: readonly number[]): RecordedEvent[] {
    const { recent } = this;
    if (recent === null) return this.blocks.at(positions);
    const split = positions.findIndex((position) => position >= recent.first);
    if (split === -1) return this.blocks.at(positions);
    const events = this.blocks.at(positions.slice(0, split));
    for (let i = split; i < positions.length; i++) events.push(recent.at(positions[i]!));
    return events;
  }
}
