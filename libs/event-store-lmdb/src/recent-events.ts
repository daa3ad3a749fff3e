import type { RecordedEvent } from '@livegift/kernel';

interface Chunk {
  readonly first: number;
  readonly events: readonly RecordedEvent[];
  readonly bytes: number;
}

/** The events committed last, as objects, so that live subscribers need not decode what was only just encoded. */
export class RecentEvents {
  readonly #chunks: Chunk[] = [];
  #events = 0;
  #bytes = 0;

  constructor(
    private readonly eventsMax: number,
    private readonly bytesMax: number,
  ) {}

  add(events: readonly RecordedEvent[], first: number, bytes: number): void {
    this.#chunks.push({ first, events, bytes });
    this.#events += events.length;
    this.#bytes += bytes;
    while (this.#chunks.length > 1 && (this.#events > this.eventsMax || this.#bytes > this.bytesMax)) {
      const oldest = this.#chunks.shift()!;
      this.#events -= oldest.events.length;
      this.#bytes -= oldest.bytes;
    }
  }

  /** Position of the oldest event here; infinite when there is none. */
  get first(): number {
    return this.#chunks[0]?.first ?? Number.POSITIVE_INFINITY;
  }

  at(sequence: number): RecordedEvent {
    const { first, events } = this.#chunks[this.#chunkOf(sequence)]!;
    return events[sequence - first]!;
  }

  /** Events from `from`, which is here, to `to`. */
  range(from: number, to: number): RecordedEvent[] {
    const found: RecordedEvent[] = [];
    for (let i = this.#chunkOf(from); i < this.#chunks.length && found.length <= to - from; i++) {
      const { first, events } = this.#chunks[i]!;
      const end = Math.min(events.length, to - first + 1);
      for (let at = Math.max(from - first, 0); at < end; at++) found.push(events[at]!);
    }
    return found;
  }

  #chunkOf(sequence: number): number {
    let low = 0;
    let high = this.#chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#chunks[middle]!.first <= sequence) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
