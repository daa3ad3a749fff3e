import { rmSync } from 'node:fs';
import type { MonotonicClock, Position, Telemetry } from '@livegift/kernel';
import type { ReadModelBatch } from '@livegift/read-model';
import type { FoldState } from './fold-state.js';
import { identityOf, readSnapshot, SnapshotUnusable, SnapshotWriter, type SnapshotIdentity } from './snapshot-file.js';
import { StateCut } from './state-cut.js';
import { encodeSection, sizesOf } from './state-sections.js';

/** Its name in a data directory. */
export const SNAPSHOT_FILE = 'read-model.snapshot';

/**
 * A file that a start begins from, so that only what came after it is read from the log. It is never needed: without it,
 * or where it is damaged or another's, everything is read.
 */
export interface SnapshotOptions {
  readonly file: string;
  readonly storeId: string;
  /** Version of the projections; a file that another one wrote is left aside. */
  readonly foldVersion: number;
  /** The end of the log: a file from beyond it is of another past. */
  readonly head: () => Promise<Position | null>;
  /** Id of the event at this position; null where there is none. A file whose last event is another one is of a fork. */
  readonly eventIdAt: (position: Position) => Promise<string | null>;
  readonly telemetry: Telemetry;
  /** A new one is written after about so many events (counted by positions). Default a million. */
  readonly everyEvents?: number;
  /** And at closing after so many. Default a twentieth of it. */
  readonly onCloseEvents?: number;
}

const EVERY_EVENTS = 1_000_000;
const ON_CLOSE_SHARE = 20;
/** After writing for a second others have the disk and the processor for twenty. */
const RESTS_PER_WRITING = 20;
const REST_AFTER_FAILURE_MS = 60_000;
/** Writing goes on in slices of this length; others have the event loop in between. */
const SLICE_MS = 4;

interface Saving {
  readonly state: FoldState;
  readonly cut: StateCut;
  readonly done: Promise<void>;
}

export class Snapshots {
  readonly #options: Required<SnapshotOptions>;
  readonly #identity: SnapshotIdentity;
  /** Of the newest that was saved or loaded. */
  #savedAt = 0;
  #restsUntilMs = 0;
  #saving: Saving | null = null;

  constructor(
    options: SnapshotOptions,
    fold: { readonly utcOffsetMs: number; readonly retentionMs: number | null },
    private readonly clock: MonotonicClock,
    private readonly yieldToLoop: () => Promise<void>,
  ) {
    const everyEvents = options.everyEvents ?? EVERY_EVENTS;
    this.#options = { everyEvents, onCloseEvents: Math.ceil(everyEvents / ON_CLOSE_SHARE), ...options };
    this.#identity = { storeId: options.storeId, foldVersion: options.foldVersion, ...fold };
  }

  /** Null when there is none to begin from. */
  async load(): Promise<FoldState | null> {
    const { file, head, eventIdAt, telemetry } = this.#options;
    const startedMs = this.clock.elapsedMs();
    try {
      const { state, lastEventId } = await readSnapshot(file, this.#identity);
      const end = await head();
      const { position } = state.checkpoint!;
      if (end === null || position > end) throw new SnapshotUnusable(`it is at ${position}, the log ends at ${end}`);
      if ((await eventIdAt(position)) !== lastEventId)
        throw new SnapshotUnusable(`another event stands at ${position}`);
      this.#savedAt = Number(position);
      const seconds = (this.clock.elapsedMs() - startedMs) / 1_000;
      telemetry.info('read model: begins from its snapshot', { file, position, seconds });
      return state;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      telemetry.warn('read model: leaves its snapshot aside and reads the whole log', { file, error: String(error) });
      // Else a log that was set back, and grew again, would one day reach it. What could not be asked may be right.
      if (error instanceof SnapshotUnusable) this.#remove();
      return null;
    }
  }

  /** Lets what is being written have what this batch is going to change, a slice at a time. */
  async makeWay({ writes }: ReadModelBatch): Promise<void> {
    const saving = this.#saving;
    if (saving === null) return;
    const { cut, state } = saving;
    let sliceEndsMs = performance.now() + SLICE_MS;
    for (const write of writes) {
      const viewerId = write.kind === 'gift-scored' ? write.viewerId : write.kind === 'row' ? write.id : null;
      const viewer = viewerId === null ? undefined : state.viewers.find(viewerId);
      if (viewer !== undefined) cut.beforeViewer(viewer);
      if (performance.now() < sliceEndsMs) continue;
      await this.yieldToLoop();
      sliceEndsMs = performance.now() + SLICE_MS;
    }
  }

  /** Begins to write one when it is time; goes on by itself. */
  applied(state: FoldState): void {
    if (this.#saving !== null || Number(state.checkpoint!.position) - this.#savedAt < this.#options.everyEvents) return;
    if (this.clock.elapsedMs() >= this.#restsUntilMs) this.#begin(state);
  }

  /** Resolves when nothing is being written any more, and the last one is not far behind. */
  async finish(state: FoldState): Promise<void> {
    await this.#saving?.done;
    if (state.checkpoint === null) return;
    if (Number(state.checkpoint.position) - this.#savedAt >= this.#options.onCloseEvents) this.#begin(state);
    await this.#saving?.done;
  }

  /** The state was dropped, so its snapshot is too. */
  async drop(): Promise<void> {
    const saving = this.#saving;
    if (saving !== null) {
      saving.state.cut = null;
      await saving.done;
    }
    this.#savedAt = 0;
    this.#remove();
  }

  #remove(): void {
    const { file, telemetry } = this.#options;
    try {
      rmSync(file, { force: true });
    } catch (error) {
      telemetry.error('read model: a snapshot that must not be used cannot be removed', { file, error: String(error) });
    }
  }

  #begin(state: FoldState): void {
    const begun = this.#savedAt;
    this.#savedAt = Number(state.checkpoint!.position);
    try {
      const writer = new SnapshotWriter(this.#options.file, {
        identity: identityOf(this.#identity),
        checkpoint: state.checkpoint!,
        newestRecordedMs: state.newestRecordedMs,
        regions: state.accounts.regions,
        sizes: sizesOf(state),
      });
      let failure: unknown = null;
      const cut = new StateCut(sizesOf(state), (kind, index) => {
        if (failure !== null) return;
        try {
          writer.write(kind, index, encodeSection(state, cut.sizes, kind, index));
        } catch (error) {
          failure = error;
        }
      });
      state.cut = cut;
      const done = this.#write(state, cut, writer, () => failure).catch((error: unknown) => this.#failed(error, begun));
      this.#saving = { state, cut, done: done.finally(() => (this.#saving = null)) };
    } catch (error) {
      this.#failed(error, begun);
    }
  }

  async #write(state: FoldState, cut: StateCut, writer: SnapshotWriter, failure: () => unknown): Promise<void> {
    const startedMs = this.clock.elapsedMs();
    const { position } = state.checkpoint!;
    try {
      const rest = cut.rest();
      for (let isDone = false; !isDone;) {
        await this.yieldToLoop();
        for (const endsMs = performance.now() + SLICE_MS; !isDone && performance.now() < endsMs;) {
          if (state.cut !== cut) throw new Error('the state was dropped');
          isDone = rest.next().done === true;
          if (failure() !== null) throw failure();
          if (writer.isFull) break;
        }
        if (writer.isFull) await writer.drain();
      }
      state.cut = null;
      const lastEventId = await this.#options.eventIdAt(position);
      if (lastEventId === null) throw new Error(`there is no event at ${position}`);
      await writer.finish(lastEventId);
    } catch (error) {
      if (state.cut === cut) state.cut = null;
      writer.abandon();
      throw error;
    }
    const tookMs = this.clock.elapsedMs() - startedMs;
    this.#restsUntilMs = startedMs + tookMs * (1 + RESTS_PER_WRITING);
    this.#options.telemetry.info('read model: has written its snapshot', { position, seconds: tookMs / 1_000 });
  }

  #failed(error: unknown, savedBefore: number): void {
    this.#savedAt = savedBefore;
    this.#restsUntilMs = this.clock.elapsedMs() + REST_AFTER_FAILURE_MS;
    this.#options.telemetry.warn('read model: its snapshot could not be written', {
      file: this.#options.file,
      error: String(error),
    });
  }
}
