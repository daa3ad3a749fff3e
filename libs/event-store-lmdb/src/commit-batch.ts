import type { AppendResult } from '@livegift/event-store';
import type { NewEvent, Position } from '@livegift/kernel';
import { BLOCK_EVENTS_MAX, type Recording } from './block.format.js';
import type { BlockEncoder } from './block.encoder.js';
import { jsonBytesBound } from './json-event.js';
import { positionOf } from './sequence.js';

interface Waiting {
  /** Where its events begin and end among the batch's. */
  readonly start: number;
  readonly end: number;
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (error: Error) => void;
}

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
  #asText: Set<Recording> | null = null;
  #encoded = 0;

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

  /** `plain`: the events are as JSON would have them, and MessagePack can say them. */
  add(stream: string, events: readonly NewEvent[], firstRevision: number, plain: boolean): Promise<AppendResult> {
    const start = this.events.length;
    let revision = firstRevision;
    for (const { id, type, schemaVersion, data, metadata } of events) {
      const event: Recording = { id, type, schemaVersion, data, metadata, stream, revision, position: '' as Position };
      if (!plain && Number.isNaN(jsonBytesBound(data) + jsonBytesBound(metadata)))
        (this.#asText ??= new Set()).add(event);
      this.events.push(event);
      revision++;
    }
    this.heads.set(stream, revision - 1);
    while (this.events.length - this.#encoded >= BLOCK_EVENTS_MAX) this.#encodeBlock();
    const end = this.events.length;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ start, end, resolve, reject });
    });
  }

  /** No more events join: encodes what is left. */
  seal(): void {
    while (this.#encoded < this.events.length) this.#encodeBlock();
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

  #encodeBlock(): void {
    const first = this.first + this.#encoded;
    const { bytes, count } = this.encoder.encode(this.events, this.#encoded, first, this.#asText);
    for (let i = 0; i < count; i++) this.events[this.#encoded + i]!.position = positionOf(first + i);
    this.#encoded += count;
    this.bytes += bytes.length;
    this.blocks.push({ first, bytes });
  }
}
