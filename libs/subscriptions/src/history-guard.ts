import { EventStoreError, type EventStore } from '@livegift/event-store';
import type { Cancellable, Position, RecordedEvent, Scheduler, Telemetry } from '@livegift/kernel';

const LOOK_EVERY_MS = 1_000;
const WHAT_TO_DO =
  'stop all apps, run `PROFILE=cluster livegift restore`, empty what it names, and start the apps again';

export interface HistoryGuardParts {
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
}

/**
 * Notices that the event store went back while this process runs, as when a backup is put in its place: an event that was
 * there is gone, or the log ends before a position that this process has seen. From then on nothing is read or written
 * through `store`, so nothing that this process remembers of the lost history is acted on. Only a restart ends it.
 */
export class HistoryGuard {
  /** As a part of readiness. */
  readonly name = 'history';
  readonly store: EventStore;
  #lost: string | null = null;
  /** The newest position that the store has shown to this process. */
  #seen: Position | null = null;
  /** The newest event at the last look; it must be there at the next. */
  #witness: RecordedEvent | null = null;
  #timer: Cancellable | null = null;
  #stopped = false;

  constructor(
    private readonly inner: EventStore,
    private readonly parts: HistoryGuardParts,
  ) {
    this.store = new GuardedEventStore(inner, this);
    parts.telemetry.gauge('history_lost', 0);
  }

  isReady(): boolean {
    return this.#lost === null;
  }

  reason(): string | null {
    return this.#lost;
  }

  start(): void {
    this.#timer = this.parts.scheduler.after(LOOK_EVERY_MS, () => void this.#lookAndGoOn());
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** @throws EventStoreError `unavailable` once the history is lost */
  assertHeld(): void {
    if (this.#lost !== null) throw new EventStoreError('unavailable', this.#lost);
  }

  get seen(): Position | null {
    return this.#seen;
  }

  /** @param before what had been seen when the store was asked: what it answers now cannot lie before */
  saw(position: Position | null, before: Position | null): void {
    if (before !== null && (position === null || position < before)) {
      this.lose(`the log ends at ${position ?? 'its beginning'}, and reached ${before} before`);
    }
    if (position !== null && (this.#seen === null || position > this.#seen)) this.#seen = position;
    this.assertHeld();
  }

  /** Another process has seen this position in this history: a log that does not reach it went back before this process began. */
  remember(position: Position): void {
    if (this.#seen === null || position > this.#seen) this.#seen = position;
  }

  lose(how: string): void {
    if (this.#lost !== null) return;
    this.#lost = `the event store went back: ${how}; ${WHAT_TO_DO}`;
    this.parts.telemetry.gauge('history_lost', 1);
    this.parts.telemetry.error('the event store went back; this process stops its work', { reason: this.#lost });
  }

  async #lookAndGoOn(): Promise<void> {
    try {
      await this.look();
    } catch {
      // The store does not answer; who needs it says so.
    }
    if (this.#stopped || this.#lost !== null) return;
    this.start();
  }

  /** Compares the log with what it was at the last look. @throws EventStoreError */
  async look(): Promise<void> {
    const before = this.#seen;
    const [newest] = await this.inner.readAll({ direction: 'backwards', limit: 1 });
    this.saw(newest?.position ?? null, before);
    const witness = this.#witness;
    if (witness !== null && witness.id !== newest?.id) {
      const [same] = await this.inner.readStream(witness.stream, { from: witness.revision, limit: 1 });
      if (same?.id !== witness.id || same.position !== witness.position) {
        this.lose(`another event stands at ${witness.stream} ${witness.revision}`);
        this.assertHeld();
      }
    }
    this.#witness = newest ?? null;
  }
}

/** The store as long as its history is the one that this process knows. */
class GuardedEventStore implements EventStore {
  readonly storeId: string;
  readonly appendBytesMax: number;
  readonly appendEventsMax: number;
  readonly readEventsMax: number;

  constructor(
    private readonly inner: EventStore,
    private readonly guard: HistoryGuard,
  ) {
    this.storeId = inner.storeId;
    this.appendBytesMax = inner.appendBytesMax;
    this.appendEventsMax = inner.appendEventsMax;
    this.readEventsMax = inner.readEventsMax;
  }

  async append(...asked: Parameters<EventStore['append']>): ReturnType<EventStore['append']> {
    this.guard.assertHeld();
    const before = this.guard.seen;
    const result = await this.#appending(asked[2], this.inner.append(...asked));
    this.guard.saw(result.positions.at(-1)!, before);
    return result;
  }

  async appendInOrder(...asked: Parameters<EventStore['appendInOrder']>): ReturnType<EventStore['appendInOrder']> {
    this.guard.assertHeld();
    const before = this.guard.seen;
    const answer = await this.inner.appendInOrder(...asked);
    const last = answer.results.at(-1);
    if (last !== undefined) this.guard.saw(last.position, before);
    return answer;
  }

  async readStream(...asked: Parameters<EventStore['readStream']>): ReturnType<EventStore['readStream']> {
    this.guard.assertHeld();
    return await this.inner.readStream(...asked);
  }

  async readAll(...asked: Parameters<EventStore['readAll']>): ReturnType<EventStore['readAll']> {
    this.guard.assertHeld();
    return await this.inner.readAll(...asked);
  }

  async head(): ReturnType<EventStore['head']> {
    this.guard.assertHeld();
    const before = this.guard.seen;
    const head = await this.inner.head();
    this.guard.saw(head, before);
    return head;
  }

  async subscribe(...asked: Parameters<EventStore['subscribe']>): ReturnType<EventStore['subscribe']> {
    this.guard.assertHeld();
    await this.guard.look();
    return await this.inner.subscribe(...asked);
  }

  async loadSnapshot(...asked: Parameters<EventStore['loadSnapshot']>): ReturnType<EventStore['loadSnapshot']> {
    this.guard.assertHeld();
    return await this.inner.loadSnapshot(...asked);
  }

  async saveSnapshot(...asked: Parameters<EventStore['saveSnapshot']>): ReturnType<EventStore['saveSnapshot']> {
    this.guard.assertHeld();
    await this.inner.saveSnapshot(...asked);
  }

  async loadCheckpoint(...asked: Parameters<EventStore['loadCheckpoint']>): ReturnType<EventStore['loadCheckpoint']> {
    this.guard.assertHeld();
    return await this.inner.loadCheckpoint(...asked);
  }

  async saveCheckpoint(...asked: Parameters<EventStore['saveCheckpoint']>): ReturnType<EventStore['saveCheckpoint']> {
    this.guard.assertHeld();
    await this.inner.saveCheckpoint(...asked);
  }

  async close(): Promise<void> {
    this.guard.stop();
    await this.inner.close();
  }

  /** A stream that is shorter than it was known to be is one that went back, if no event is only on its way. */
  async #appending<Result>(expected: number | 'no-stream', result: Promise<Result>): Promise<Result> {
    try {
      return await result;
    } catch (error) {
      if (isShorter(error, expected)) await this.guard.look().catch(() => {});
      throw error;
    }
  }
}

function isShorter(error: unknown, expected: number | 'no-stream'): boolean {
  if (!(error instanceof EventStoreError) || error.code !== 'wrong-expected-revision') return false;
  const { actual } = error;
  return expected !== 'no-stream' && (actual === 'no-stream' || (typeof actual === 'number' && actual < expected));
}
