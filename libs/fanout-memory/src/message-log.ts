import type { Position } from '@livegift/kernel';
import type { RoomMessage } from '@livegift/fanout';

/** What one call of `publish` brought; at least one message. */
export interface LogEntry {
  readonly sourcePartition: number;
  readonly publishedAtMs: number;
  readonly messages: readonly RoomMessage[];
}

/** Freed slots are cut off once there are this many of them, so that dropping costs nothing per entry. */
const COMPACT_AT = 4_096;
/** Stands in a freed slot: an entry may hold a thousand messages, which must not wait for the cut. */
const FREED: LogEntry = { sourcePartition: 0, publishedAtMs: 0, messages: [] };

/** Entries in the order of publishing, numbered for ever from 0, the oldest let go by age and by number of messages. */
export class MessageLog {
  #entries: LogEntry[] = [];
  /** Number of the entry at index 0 of the array. */
  #base = 0;
  /** Index of the oldest entry that is kept. */
  #head = 0;
  #messages = 0;

  constructor(private readonly messagesMax: number) {}

  /** Number of the oldest entry that is kept. */
  get begin(): number {
    return this.#base + this.#head;
  }

  /** Number that the next entry will have. */
  get end(): number {
    return this.#base + this.#entries.length;
  }

  add(entry: LogEntry): void {
    this.#entries.push(entry);
    this.#messages += entry.messages.length;
  }

  /** Lets go what is older than `publishedAtMs`, and the oldest beyond the bound; answers what it let go. */
  dropBefore(publishedAtMs: number): readonly LogEntry[] {
    const start = this.#head;
    for (;;) {
      const oldest = this.#entries[this.#head];
      if (oldest === undefined) break;
      if (oldest.publishedAtMs >= publishedAtMs && this.#messages <= this.messagesMax) break;
      this.#messages -= oldest.messages.length;
      this.#head += 1;
    }
    if (this.#head === start) return [];
    const dropped = this.#entries.slice(start, this.#head);
    for (let index = start; index < this.#head; index++) this.#entries[index] = FREED;
    if (this.#head >= COMPACT_AT || this.#head === this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#base += this.#head;
      this.#head = 0;
    }
    return dropped;
  }

  /** Number of the first kept entry published at `publishedAtMs` or later. */
  firstSince(publishedAtMs: number): number {
    for (let index = this.#head; index < this.#entries.length; index++) {
      if (this.#entries[index]!.publishedAtMs >= publishedAtMs) return this.#base + index;
    }
    return this.end;
  }

  /** Of each source partition, the greatest position among the kept entries before `number`. */
  lastPositionsBefore(number: number): ReadonlyMap<number, Position> {
    const last = new Map<number, Position>();
    for (let index = this.#head; index < number - this.#base; index++) {
      const { sourcePartition, messages } = this.#entries[index]!;
      const position = messages.at(-1)!.position;
      if (position > (last.get(sourcePartition) ?? '')) last.set(sourcePartition, position);
    }
    return last;
  }

  /** Whole entries from `from` on, until `messagesMax` messages are reached. */
  read(from: number, messagesMax: number): { readonly messages: readonly RoomMessage[]; readonly end: number } {
    const messages: RoomMessage[] = [];
    let index = from - this.#base;
    while (index < this.#entries.length && messages.length < messagesMax) {
      messages.push(...this.#entries[index]!.messages);
      index += 1;
    }
    return { messages, end: this.#base + index };
  }
}
