import {
  ANY,
  BACKWARDS,
  binaryEvent,
  END,
  ErrorType,
  jsonEvent,
  NO_STREAM,
  type EventData,
} from '@eventstore/db-client';
import { EventStoreError, type Snapshot } from '@livegift/event-store';
import { isSameStore, type Checkpoint, type Position, type Telemetry } from '@livegift/kernel';
import type { Connection } from './connection.js';
import { CHECKPOINT_PREFIX, OWN_TYPE_PREFIX, SNAPSHOT_PREFIX } from './event.mapping.js';
import type { LogReads } from './log-reads.js';
import { typeOf, unavailable } from './server-errors.js';

/** What is left of the server's 1 MiB after the metadata. */
export const SNAPSHOT_BYTES_MAX = 1_044_480;
/** `$maxCount` is set with the first entry of a stream, and again now and then, in case that was missed. */
const BOUND_EVERY = 16n;

type SnapshotMetadata = Omit<Snapshot, 'bytes'>;

/**
 * Snapshots and checkpoints, each name in a stream of its own that keeps one entry (`$maxCount`; scavenging frees the rest).
 * Whatever goes wrong here is `unavailable`: to save once more does no harm.
 */
export class KeptState {
  /** The newest checkpoint of each consumer that is being saved, and what waits for it. */
  readonly #saving = new Map<string, { position: Position | null; done: Promise<void> }>();

  constructor(
    private readonly connection: Connection,
    private readonly reads: LogReads,
    private readonly storeId: string,
    private readonly telemetry: Telemetry,
  ) {}

  async loadSnapshot(name: string): Promise<Snapshot | null> {
    const event = await this.#newest(SNAPSHOT_PREFIX + name);
    if (event === null) return null;
    const { stateVersion, revision, position } = (event.metadata ?? {}) as Partial<SnapshotMetadata>;
    if (stateVersion === undefined || revision === undefined || position === undefined || event.isJson) return null;
    return { stateVersion, revision, position, bytes: Uint8Array.from(event.data) };
  }

  async saveSnapshot(name: string, { bytes, ...metadata }: Snapshot): Promise<void> {
    if (bytes.length > SNAPSHOT_BYTES_MAX) {
      const message = `a snapshot of ${bytes.length} bytes, at most ${SNAPSHOT_BYTES_MAX}`;
      throw new EventStoreError('append-too-large', message);
    }
    const event = binaryEvent({ type: `${OWN_TYPE_PREFIX}snapshot-saved`, data: bytes, metadata: metadata as never });
    await this.#save(SNAPSHOT_PREFIX + name, event);
  }

  async loadCheckpoint(consumer: string): Promise<Checkpoint | null> {
    const pending = this.#saving.get(consumer);
    if (pending !== undefined) return this.#checkpointAt(pending.position);
    const event = await this.#newest(CHECKPOINT_PREFIX + consumer);
    if (event === null) return null;
    const { storeId, position } = event.data as unknown as { storeId: string; position: Position | null };
    // It went back with the log that it is kept in, so it holds in the history that a restore began.
    return this.#checkpointAt(position, isSameStore(storeId, this.storeId) ? this.storeId : storeId);
  }

  #checkpointAt(position: Position | null, storeId = this.storeId): Checkpoint | null {
    return position === null ? null : { storeId, position };
  }

  /** One at a time for each consumer; those who come meanwhile share the next, with the last position. */
  async saveCheckpoint(consumer: string, position: Position | null): Promise<void> {
    const saving = this.#saving.get(consumer);
    if (saving !== undefined) {
      saving.position = position;
      return await saving.done;
    }
    const entry = { position, done: Promise.resolve() };
    entry.done = this.#saveNewest(consumer, entry);
    this.#saving.set(consumer, entry);
    await entry.done;
  }

  /** Waits for the checkpoints that are being saved. */
  async drained(): Promise<void> {
    await Promise.allSettled([...this.#saving.values()].map(({ done }) => done));
  }

  async #saveNewest(consumer: string, entry: { readonly position: Position | null }): Promise<void> {
    try {
      for (let saved: Position | null | undefined; saved !== entry.position;) {
        saved = entry.position;
        const data = { storeId: this.storeId, position: saved };
        const event = jsonEvent({ type: `${OWN_TYPE_PREFIX}checkpoint-saved`, data });
        await this.#save(CHECKPOINT_PREFIX + consumer, event);
      }
    } finally {
      this.#saving.delete(consumer);
    }
  }

  async #newest(stream: string) {
    const [newest] = await this.reads.resolvedOf(stream, { maxCount: 1, fromRevision: END, direction: BACKWARDS });
    return newest?.event ?? null;
  }

  async #save(stream: string, event: EventData): Promise<void> {
    const { connection } = this;
    const options = { expectedRevision: ANY, ...connection.options } as const;
    try {
      const { nextExpectedRevision } = await connection.call((client) => client.appendToStream(stream, event, options));
      if (nextExpectedRevision % BOUND_EVERY === 0n) await this.#bound(stream);
    } catch (error) {
      throw unavailable(error, connection.redact);
    }
  }

  async #bound(stream: string): Promise<void> {
    const options = { expectedRevision: NO_STREAM, ...this.connection.options } as const;
    try {
      await this.connection.call((client) => client.setStreamMetadata(stream, { maxCount: 1 }, options));
    } catch (error) {
      // Set already, by us or by an operator who wants it otherwise.
      if (typeOf(error) === ErrorType.WRONG_EXPECTED_VERSION) return;
      const reason = this.connection.redact(String(error));
      this.telemetry.warn('a stream could not be told to keep one entry; it is tried again later', { stream, reason });
    }
  }
}
