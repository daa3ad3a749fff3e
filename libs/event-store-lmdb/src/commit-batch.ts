import { EventStoreError, type AppendResult } from '@livegift/event-store';
import type { NewEvent, Position } from '@livegift/kernel';
import type { Recording } from './block.format.js';
import type { BlockEncoder } from './block.encoder.js';
import { jsonBytes } from './json-event.js';
import { positionOf } from './sequence.js';

interface Waiting {
  /** Where its events begin and end among the batch's. */
  readonly start: number;
  readonly end: number;
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (error: Error) => void;
}

/** Appends of more events are not taken back but measured before. */
const EVENTS_TAKEN_BACK_MAX = 64;

/** Everything that one transaction writes; appends join until it starts. */
export class CommitBatch {
  readonly events: Recording[] = [];
  readonly blocks: { readonly first: number; readonly bytes: Buffer }[] = [];
  /** Revision of the last event of each stream in this batch. */
  readonly heads = new Map<string, number>();
  /** Snapshots: other values that this transaction writes. */
  readonly writes: { readonly key: Buffer; readonly value: Buffer }[] = [];
  bytes = 0;
  readonly #waiting: Waiting[] = [];
  readonly #settled: ((failure: Error | null) => void)[] = [];
  #encoded = 0;
  #sealed = false;

  constructor(
    /** Position of its first event. */
    readonly first: number,
    private readonly encoder: BlockEncoder,
    /** The encoder writes to it while this batch is the one that appends join. */
    public buffer: Buffer,
  ) {
    encoder.useBuffer(buffer);
  }

  get last(): number {
    return this.first + this.events.length - 1;
  }

  /** @throws EventStoreError `append-too-large`, with nothing added */
  add(
    stream: string,
    events: readonly NewEvent[],
    firstRevision: number,
    appendBytesMax: number,
  ): Promise<AppendResult> {
    const { encoder } = this;
    const start = this.events.length;
    // A large append spans blocks, which cannot be taken back: so it is measured before.
    const isLarge = events.length > EVENTS_TAKEN_BACK_MAX;
    if (isLarge) assertBytes(events, appendBytesMax);
    const mark = encoder.mark();
    encoder.jsonBytes = 0;
    let revision = firstRevision;
    try {
      for (const { id, type, schemaVersion, data, metadata } of events) {
        const event: Recording = {
          id,
          type,
          schemaVersion,
          data,
          metadata,
          stream,
          revision,
          position: '' as Position,
        };
        encoder.add(event);
        this.events.push(event);
        revision++;
        if (isLarge && encoder.isFull) this.#endBlock();
      }
      // Only near the limit is the exact size worth its price.
      if (!isLarge && encoder.jsonBytes > appendBytesMax) assertBytes(events, appendBytesMax);
    } catch (error) {
      encoder.rollBack(mark);
      this.events.length = start;
      throw error;
    }
    if (encoder.isFull) this.#endBlock();
    this.heads.set(stream, revision - 1);
    const end = this.events.length;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ start, end, resolve, reject });
    });
  }

  /** No more events join; until then the encoder is this batch's. */
  get sealed(): boolean {
    return this.#sealed;
  }

  seal(): void {
    if (this.#sealed) return;
    this.#sealed = true;
    if (this.encoder.count > 0) this.#endBlock();
    this.buffer = this.encoder.buffer;
  }

  /** Resolves with null when the batch is durable, else with why it failed. */
  settled(): Promise<Error | null> {
    return new Promise((resolve) => {
      this.#settled.push(resolve);
    });
  }

  succeed(): void {
    for (const { start, end, resolve } of this.#waiting) {
      const positions: Position[] = [];
      for (let i = start; i < end; i++) positions.push(this.events[i]!.position);
      resolve({ revision: this.events[end - 1]!.revision, positions });
    }
    for (const resolve of this.#settled) resolve(null);
  }

  fail(error: Error): void {
    for (const { reject } of this.#waiting) reject(error);
    for (const resolve of this.#settled) resolve(error);
  }

  #endBlock(): void {
    const first = this.first + this.#encoded;
    const bytes = this.encoder.endBlock(this.events, this.#encoded, first);
    for (; this.#encoded < this.events.length; this.#encoded++) {
      this.events[this.#encoded]!.position = positionOf(this.first + this.#encoded);
    }
    this.bytes += bytes.length;
    this.blocks.push({ first, bytes });
  }
}

/** @throws EventStoreError `append-too-large` */
function assertBytes(events: readonly NewEvent[], appendBytesMax: number): void {
  let bytes = 0;
  for (const event of events) bytes += jsonBytes(event);
  if (bytes > appendBytesMax) {
    throw new EventStoreError('append-too-large', `${bytes} bytes in one append, at most ${appendBytesMax}`);
  }
}
