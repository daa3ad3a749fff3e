import type { DomainEvent, RecordedEvent, Telemetry } from '@livegift/kernel';
import type { EventStore, Snapshot } from '@livegift/event-store';
import { LoadedStream, type StreamKind } from './loaded-stream.js';
import { RememberedKeys } from './remembered-keys.js';

export interface StreamShelfOptions {
  readonly streamsCachedMax: number;
  /** Remembered keys in the cache, over all its streams. */
  readonly keysCachedMax: number;
  /** A snapshot is saved after so many events; of a stream with many keys later, so that keys are not written too often. */
  readonly snapshotEveryEvents: number;
  /** Snapshots on their way to the store; beyond it one is left out, and saved a little later. */
  readonly snapshotsUnderWayMax: number;
  /** Events of one read. */
  readonly pageEvents: number;
}

/** Change it when the layout below changes. */
const LAYOUT_VERSION = 2;
/** One key is written again for every so many events at most. */
const KEYS_PER_SNAPSHOT_EVENT = 8;
const HEAD_LENGTH_BYTES = 4;

interface SnapshotHead<State> {
  readonly state: State;
  readonly lastOfType: Readonly<Record<string, number>>;
}

/**
 * Streams as state: from the cache, else from the newest snapshot and the events after it. A stream that has no events is
 * never kept: absence is asked for anew each time.
 */
export class StreamShelf<State, Event extends DomainEvent> {
  readonly #cached = new Map<string, LoadedStream<State>>();
  #keysCached = 0;
  #snapshotsUnderWay = 0;

  constructor(
    private readonly store: EventStore,
    private readonly kind: StreamKind<State, never, Event>,
    private readonly options: StreamShelfOptions,
    private readonly telemetry: Telemetry,
  ) {}

  get size(): number {
    return this.#cached.size;
  }

  cached(stream: string): LoadedStream<State> | undefined {
    const loaded = this.#cached.get(stream);
    if (loaded !== undefined) loaded.touched = true;
    return loaded;
  }

  /** Keeps what has just been read or appended, and saves a snapshot when it is time. */
  keep(loaded: LoadedStream<State>): void {
    if (!loaded.exists) return;
    const keys = loaded.keys.size;
    if (this.#cached.get(loaded.name) === loaded) {
      this.#keysCached += keys - loaded.keysCounted;
    } else {
      this.drop(loaded.name);
      this.#cached.set(loaded.name, loaded);
      this.#keysCached += keys;
    }
    loaded.keysCounted = keys;
    if (loaded.revision - loaded.snapshotRevision >= this.#snapshotInterval(keys)) this.#saveSnapshot(loaded);
    this.#evict();
  }

  drop(stream: string): void {
    const loaded = this.#cached.get(stream);
    if (loaded === undefined) return;
    this.#keysCached -= loaded.keysCounted;
    this.#cached.delete(stream);
  }

  /** Reads it from the store, whatever the cache has. @throws EventStoreError `unavailable`, `damaged` */
  async load(stream: string): Promise<LoadedStream<State>> {
    this.drop(stream);
    const tail = await this.#tail(stream);
    const isWhole = tail.length === 0 || tail[0]!.revision === 0;
    const loaded =
      (isWhole ? null : await this.#fromSnapshot(stream, tail)) ??
      new LoadedStream<State>(stream, this.kind.decider.initialState);
    const next = loaded.revision + 1 - (tail[0]?.revision ?? 0);
    if (next >= 0) {
      loaded.follow<Event>(tail.slice(next), this.kind.decider);
      this.keep(loaded);
    } else await this.refresh(loaded);
    this.telemetry.count('streams_loaded_total');
    return loaded;
  }

  /** Reads what has been appended since. True when there was something. @throws EventStoreError `unavailable`, `damaged` */
  async refresh(loaded: LoadedStream<State>): Promise<boolean> {
    const before = loaded.revision;
    const { decider } = this.kind;
    for (;;) {
      const page = await this.store.readStream(loaded.name, {
        from: loaded.revision + 1,
        limit: this.options.pageEvents,
      });
      loaded.follow<Event>(page, decider);
      if (page.length < this.options.pageEvents) break;
    }
    this.keep(loaded);
    return loaded.revision !== before;
  }

  /** As many of the newest events as come between two snapshots: mostly all that is needed, in one read. */
  async #tail(stream: string): Promise<readonly RecordedEvent[]> {
    const { snapshotEveryEvents } = this.options;
    return (await this.store.readStream(stream, { direction: 'backwards', limit: snapshotEveryEvents })).toReversed();
  }

  async #fromSnapshot(stream: string, tail: readonly RecordedEvent[]): Promise<LoadedStream<State> | null> {
    const snapshot = await this.store.loadSnapshot(snapshotName(stream));
    if (snapshot === null || snapshot.stateVersion !== this.#stateVersion()) return null;
    const { revision } = snapshot;
    const last =
      tail[revision - tail[0]!.revision] ?? (await this.store.readStream(stream, { from: revision, limit: 1 }))[0];
    if (last === undefined || last.position !== snapshot.position) {
      this.telemetry.warn('a snapshot does not belong to its stream', { stream, revision: snapshot.revision });
      return null;
    }
    const loaded = decodeSnapshot<State>(stream, snapshot);
    loaded.recordedAt = last.metadata.recordedAt;
    return loaded;
  }

  #saveSnapshot(loaded: LoadedStream<State>): void {
    if (this.#snapshotsUnderWay >= this.options.snapshotsUnderWayMax) return;
    const snapshot = encodeSnapshot(loaded, this.#stateVersion());
    loaded.snapshotRevision = loaded.revision;
    this.#snapshotsUnderWay++;
    void this.store
      .saveSnapshot(snapshotName(loaded.name), snapshot)
      .catch((failure: unknown) => {
        this.telemetry.warn('a snapshot could not be saved', { stream: loaded.name, failure: String(failure) });
      })
      .finally(() => this.#snapshotsUnderWay--);
  }

  #snapshotInterval(keys: number): number {
    return Math.max(this.options.snapshotEveryEvents, Math.floor(keys / KEYS_PER_SNAPSHOT_EVENT));
  }

  #stateVersion(): number {
    return this.kind.stateVersion * 1_000 + LAYOUT_VERSION;
  }

  /** The oldest that has not been used since it was last looked at: second chance, so that a hit moves nothing. */
  #evict(): void {
    const { streamsCachedMax, keysCachedMax } = this.options;
    while (this.#cached.size > streamsCachedMax || (this.#keysCached > keysCachedMax && this.#cached.size > 1)) {
      const oldest = this.#cached.values().next().value!;
      if (oldest.touched) {
        oldest.touched = false;
        this.#cached.delete(oldest.name);
        this.#cached.set(oldest.name, oldest);
        continue;
      }
      this.drop(oldest.name);
      this.telemetry.count('streams_evicted_total');
    }
  }
}

export const snapshotName = (stream: string): string => `commands-${stream}`;

/** Length of the JSON head (32 bits, little endian), the head, the packed keys. */
function encodeSnapshot<State>(loaded: LoadedStream<State>, stateVersion: number): Snapshot {
  const head: SnapshotHead<State> = { state: loaded.state, lastOfType: loaded.lastOfType };
  const headBytes = Buffer.from(JSON.stringify(head));
  const length = Buffer.alloc(HEAD_LENGTH_BYTES);
  length.writeUInt32LE(headBytes.length);
  const bytes = Buffer.concat([length, headBytes, loaded.keys.packedBytes()]);
  return { stateVersion, revision: loaded.revision, position: loaded.position!, bytes };
}

function decodeSnapshot<State>(stream: string, snapshot: Snapshot): LoadedStream<State> {
  const bytes = Buffer.from(snapshot.bytes.buffer, snapshot.bytes.byteOffset, snapshot.bytes.byteLength);
  const headEnd = HEAD_LENGTH_BYTES + bytes.readUInt32LE(0);
  const head = JSON.parse(bytes.toString('utf8', HEAD_LENGTH_BYTES, headEnd)) as SnapshotHead<State>;
  const keys = new RememberedKeys(new Uint8Array(bytes.subarray(headEnd)));
  const loaded = new LoadedStream<State>(stream, head.state, keys);
  loaded.revision = snapshot.revision;
  loaded.position = snapshot.position;
  loaded.lastOfType = head.lastOfType;
  loaded.snapshotRevision = snapshot.revision;
  return loaded;
}
