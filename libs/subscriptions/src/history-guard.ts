import { EventStoreError, forwardingStore, type EventStore, type ExpectedRevision } from '@livegift/event-store';
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
    this.store = guardedStore(inner, this);
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
function guardedStore(inner: EventStore, guard: HistoryGuard): EventStore {
  const whileHeld = async <Answer>(ask: () => Promise<Answer>): Promise<Answer> => {
    guard.assertHeld();
    return await ask();
  };
  return forwardingStore(inner, {
    append: (stream, events, expected) =>
      whileHeld(async () => {
        const before = guard.seen;
        const appending = inner.append(stream, events, expected);
        const result = await orLook(guard, expected, appending);
        guard.saw(result.positions.at(-1)!, before);
        return result;
      }),
    appendInOrder: (entries) =>
      whileHeld(async () => {
        const before = guard.seen;
        const answer = await inner.appendInOrder(entries);
        const last = answer.results.at(-1);
        if (last !== undefined) guard.saw(last.position, before);
        return answer;
      }),
    head: () =>
      whileHeld(async () => {
        const before = guard.seen;
        const head = await inner.head();
        guard.saw(head, before);
        return head;
      }),
    subscribe: (options) =>
      whileHeld(async () => {
        await guard.look();
        return await inner.subscribe(options);
      }),
    readStream: (stream, options) => whileHeld(() => inner.readStream(stream, options)),
    readAll: (options) => whileHeld(() => inner.readAll(options)),
    loadSnapshot: (name) => whileHeld(() => inner.loadSnapshot(name)),
    saveSnapshot: (name, snapshot) => whileHeld(() => inner.saveSnapshot(name, snapshot)),
    loadCheckpoint: (consumer) => whileHeld(() => inner.loadCheckpoint(consumer)),
    saveCheckpoint: (consumer, position) => whileHeld(() => inner.saveCheckpoint(consumer, position)),
    close: async () => {
      guard.stop();
      await inner.close();
    },
  });
}

/** A stream that is shorter than it was known to be is a reason to look whether the store went back. */
async function orLook<Result>(
  guard: HistoryGuard,
  expected: ExpectedRevision,
  appending: Promise<Result>,
): Promise<Result> {
  try {
    return await appending;
  } catch (error) {
    if (isShorter(error, expected)) await guard.look().catch(() => {});
    throw error;
  }
}

function isShorter(error: unknown, expected: ExpectedRevision): boolean {
  if (!(error instanceof EventStoreError) || error.code !== 'wrong-expected-revision') return false;
  const { actual } = error;
  return expected !== 'no-stream' && (actual === 'no-stream' || (typeof actual === 'number' && actual < expected));
}
