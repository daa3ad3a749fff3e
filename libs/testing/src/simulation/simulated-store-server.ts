import type { Checkpoint, NewEvent, Position } from '@livegift/kernel';
import type { AppendResult, ExpectedRevision, Snapshot } from '@livegift/event-store';
import { InMemoryLog, type LogBounds } from '../event-store/in-memory-log.js';
import type { SeededRandom } from './seeded-random.js';
import { NO_STORE_FAULTS, type StoreFaults } from './store-faults.js';
import type { VirtualWorld } from './virtual-world.js';

/** A value that is readable at once but durable only later. */
interface Kept<Value> {
  durable: Value | null;
  latest: Value | null;
}

/**
 * The store's own side, which outlives the processes that use it: what is durable, and what is not yet. An append is
 * checked, made durable and made visible in one step; until that step a crash forgets it. Snapshots and checkpoints are
 * visible first and durable later, so that a crash takes the newest away.
 */
export class SimulatedStoreServer {
  readonly log: InMemoryLog;
  readonly random: SeededRandom;
  faults: StoreFaults = NO_STORE_FAULTS;
  /** Appends that were sent and may still be made. */
  appendsUnderWay = 0;
  /** Of each event of the log, when it became durable. */
  readonly durableAtMs: number[] = [];
  #epoch = 0;
  #awayUntilMs = 0;
  readonly #snapshots = new Map<string, Kept<Snapshot>>();
  readonly #checkpoints = new Map<string, Kept<Position | null>>();
  readonly #wakeOnAppend = new Set<() => void>();
  readonly #wakeOnCrash = new Set<() => void>();

  constructor(
    readonly world: VirtualWorld,
    storeId: string,
    bounds?: LogBounds,
  ) {
    this.log = new InMemoryLog(storeId, bounds);
    this.random = world.random.fork();
  }

  /** Rises with every crash: what was sent before it is lost. */
  get epoch(): number {
    return this.#epoch;
  }

  get away(): boolean {
    return this.world.nowMs < this.#awayUntilMs;
  }

  /** Refuses every call with `unavailable` for a while. */
  goAway(forMs: number): void {
    this.world.trace.add(`store is away for ${forMs.toFixed(0)} ms`);
    this.#awayUntilMs = this.world.nowMs + forMs;
  }

  /** Forgets what is not durable: appends under way, the newest snapshots and checkpoints. */
  crash(): void {
    this.world.trace.add('store crashes');
    this.#epoch++;
    for (const kept of this.#snapshots.values()) kept.latest = kept.durable;
    for (const kept of this.#checkpoints.values()) kept.latest = kept.durable;
    const waiting = [...this.#wakeOnCrash];
    this.#wakeOnCrash.clear();
    for (const wake of waiting) wake();
  }

  /** Makes everything durable, as closing a store in order does. */
  sync(): void {
    for (const kept of this.#snapshots.values()) kept.durable = kept.latest;
    for (const kept of this.#checkpoints.values()) kept.durable = kept.latest;
  }

  /** From here on nothing goes wrong any more. */
  calm(): void {
    this.faults = NO_STORE_FAULTS;
    this.#awayUntilMs = 0;
  }

  append(stream: string, events: readonly NewEvent[], expected: ExpectedRevision): AppendResult {
    const result = this.log.append(stream, events, expected);
    for (const _ of events) this.durableAtMs.push(this.world.nowMs);
    const types = events.map(({ type }) => type).join(' ');
    this.world.trace.add(`  durable ${stream} @${result.revision} ${types} to ${result.positions.at(-1)!.slice(-6)}`);
    const waiting = [...this.#wakeOnAppend];
    this.#wakeOnAppend.clear();
    for (const wake of waiting) wake();
    return result;
  }

  onNextAppend(wake: () => void): void {
    this.#wakeOnAppend.add(wake);
  }

  onNextCrash(wake: () => void): void {
    this.#wakeOnCrash.add(wake);
  }

  snapshot(name: string): Snapshot | null {
    return this.#snapshots.get(name)?.latest ?? null;
  }

  keepSnapshot(name: string, snapshot: Snapshot): void {
    this.#keep(this.#snapshots, name, snapshot);
  }

  checkpoint(consumer: string): Checkpoint | null {
    const position = this.#checkpoints.get(consumer)?.latest ?? null;
    return position === null ? null : { storeId: this.log.storeId, position };
  }

  keepCheckpoint(consumer: string, position: Position | null): void {
    this.#keep(this.#checkpoints, consumer, position);
  }

  #keep<Value>(all: Map<string, Kept<Value>>, name: string, value: Value): void {
    const kept = all.get(name) ?? { durable: null, latest: null };
    all.set(name, kept);
    kept.latest = value;
    const epoch = this.#epoch;
    const delayMs = this.faults.volatileMsMax === 0 ? 0 : this.random.between(0, this.faults.volatileMsMax);
    if (delayMs === 0) {
      kept.durable = value;
      return;
    }
    this.world.schedule(delayMs, `store syncs ${name}`, () => {
      if (this.#epoch === epoch) kept.durable = value;
    });
  }
}
