import type { RecordedEvent } from '@livegift/kernel';
import { appendToRuns, positionsInRuns, type StreamRuns } from './stream-runs.js';

/** Runs longer than this are split, so that one entry of the index stays small. */
const ENTRY_RUNS_MAX = 512;

export interface TailEntry {
  readonly stream: string;
  readonly entry: StreamRuns;
}

class Generation {
  readonly streams = new Map<string, StreamRuns[]>();
  events = 0;
  last = 0;
}

/**
 * The newest part of the stream index, in memory: where the events after `indexedThrough` stand. Writing the index with
 * every commit would touch one page of the file per event; so events gather here, and whole generations of them are
 * written, some entries with each commit, one entry per stream. A crash loses nothing: it is read again from the blocks.
 */
export class StreamTail {
  #filling = new Generation();
  #writing: Generation | null = null;
  #entries: Iterator<TailEntry> | null = null;

  constructor(
    private readonly generationEventsMax: number,
    /** Position of the last event that the index on disk has. */
    public indexedThrough: number,
  ) {}

  /** Events known here. */
  get size(): number {
    return this.#filling.events + (this.#writing?.events ?? 0);
  }

  add(events: readonly RecordedEvent[], first: number): void {
    const { streams } = this.#filling;
    for (let i = 0; i < events.length; i++) {
      const { stream, revision } = events[i]!;
      const entries = streams.get(stream);
      const newest = entries?.[entries.length - 1];
      if (newest !== undefined && newest.runs.length < ENTRY_RUNS_MAX) {
        appendToRuns(newest, first + i);
      } else {
        const entry = { firstRevision: revision, count: 1, runs: [first + i, 1] };
        if (entries === undefined) streams.set(stream, [entry]);
        else entries.push(entry);
      }
    }
    this.#filling.events += events.length;
    this.#filling.last = first + events.length - 1;
    if (this.#filling.events >= this.generationEventsMax && this.#writing === null) this.#turn();
  }

  /** Revision of the stream's last event, if it is known here. */
  head(stream: string): number | undefined {
    const entries = this.#filling.streams.get(stream) ?? this.#writing?.streams.get(stream);
    const newest = entries?.[entries.length - 1];
    return newest === undefined ? undefined : newest.firstRevision + newest.count - 1;
  }

  /** First revision of the stream that is known here. */
  firstRevision(stream: string): number | undefined {
    const entries = this.#writing?.streams.get(stream) ?? this.#filling.streams.get(stream);
    return entries?.[0]?.firstRevision;
  }

  positions(stream: string, from: number, to: number, into: number[]): void {
    for (const generation of [this.#writing, this.#filling]) {
      for (const entry of generation?.streams.get(stream) ?? []) positionsInRuns(entry, from, to, into);
    }
  }

  /** Takes up to `count` entries that are to be written with the next commit; `done` when they are the generation's last. */
  take(count: number): { entries: TailEntry[]; done: boolean; through: number } {
    const entries: TailEntry[] = [];
    if (this.#writing === null || this.#entries === null) return { entries, done: false, through: this.indexedThrough };
    while (entries.length < count) {
      const next = this.#entries.next();
      if (next.done === true) return { entries, done: true, through: this.#writing.last };
      entries.push(next.value);
    }
    return { entries, done: false, through: this.indexedThrough };
  }

  /** The commit that carried a generation's last entries is on disk. */
  written(): void {
    this.indexedThrough = this.#writing!.last;
    this.#writing = null;
    this.#entries = null;
    if (this.#filling.events >= this.generationEventsMax) this.#turn();
  }

  /** A commit with entries failed: write the generation from its start again (the same keys, the same values). */
  rewind(): void {
    if (this.#writing !== null) this.#entries = entriesOf(this.#writing);
  }

  #turn(): void {
    this.#writing = this.#filling;
    this.#entries = entriesOf(this.#writing);
    this.#filling = new Generation();
  }
}

function* entriesOf(generation: Generation): Generator<TailEntry> {
  for (const [stream, entries] of generation.streams) for (const entry of entries) yield { stream, entry };
}
