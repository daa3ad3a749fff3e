import type { Checkpoint, Position } from '@livegift/kernel';
import {
  ReadModelError,
  type ApplyResult,
  type ReadModel,
  type ReadModelBatch,
  type ReadModelSubject,
} from '@livegift/read-model';
import type { SimulatedProcess } from './simulated-process.js';
import { drawLatencyMs, NO_STORE_FAULTS, type StoreFaults } from './store-faults.js';

/** How a batch is applied; a spec plants a wrong way here. */
export type ApplyRule = (model: ReadModel, batch: ReadModelBatch) => Promise<ApplyResult>;

/**
 * A read model that outlives its projectors, as one in Redis does: shared by several, and able to lose its newest batches
 * in a failover. `make` gives an empty one.
 */
export class SimulatedReadModelServer {
  inner: ReadModel;
  faults: StoreFaults = NO_STORE_FAULTS;
  #applied: ReadModelBatch[] = [];
  readonly #built = new Set<number>();

  constructor(
    private readonly make: () => ReadModel,
    private readonly rule: ApplyRule = (model, batch) => model.apply(batch),
  ) {
    this.inner = make();
  }

  async apply(batch: ReadModelBatch): Promise<ApplyResult> {
    const result = await this.rule(this.inner, batch);
    if (result.applied) this.#applied.push(batch);
    return result;
  }

  /** Every partition is built, and has got there. */
  isAt(position: Position | null): boolean {
    return Array.from({ length: this.inner.partitionCount }, (_, partition) => partition).every(
      (partition) =>
        this.#built.has(partition) &&
        this.#applied.findLast((batch) => batch.partition === partition)?.to === (position ?? undefined),
    );
  }

  async drop(partition: number): Promise<void> {
    this.#applied = this.#applied.filter((batch) => batch.partition !== partition);
    this.#built.delete(partition);
    await this.inner.drop(partition);
  }

  async markBuilt(partition: number, reached: Checkpoint | null): Promise<boolean> {
    const marked = await this.inner.markBuilt(partition, reached);
    if (marked) this.#built.add(partition);
    return marked;
  }

  /** The newest `count` batches of some partitions are gone: a replica that had not seen them took over. */
  async fallBack(count: number, partitions: ReadonlySet<number>): Promise<void> {
    const kept: ReadModelBatch[] = [];
    let gone = 0;
    for (const batch of this.#applied.toReversed()) {
      if (partitions.has(batch.partition) && gone < count) gone++;
      else kept.push(batch);
    }
    this.#applied = kept.toReversed();
    await this.#comeBack();
  }

  /** Some partitions have lost everything, and that they were built. */
  async comeBackEmpty(partitions: ReadonlySet<number>): Promise<void> {
    this.#applied = this.#applied.filter(({ partition }) => !partitions.has(partition));
    for (const partition of partitions) this.#built.delete(partition);
    await this.#comeBack();
  }

  async #comeBack(): Promise<void> {
    const inner = this.make();
    this.inner = inner;
    for (const batch of this.#applied) await this.rule(inner, batch);
    for (const partition of this.#built) await inner.markBuilt(partition, null);
  }
}

/** What a projector does with a read model, through one process's network. Queries go to the server's own. */
export class SimulatedReadModel implements ReadModel {
  readonly partitionCount: number;

  constructor(
    private readonly server: SimulatedReadModelServer,
    private readonly process: SimulatedProcess,
  ) {
    this.partitionCount = server.inner.partitionCount;
  }

  checkpoint(partition: number): Promise<Checkpoint | null> {
    return this.#ask('reads a checkpoint', () => this.server.inner.checkpoint(partition));
  }

  apply(batch: ReadModelBatch): Promise<ApplyResult> {
    const { random } = this.process;
    const { faults } = this.server;
    const unknown = random.chance(faults.outcomeUnknown);
    const lost = unknown && random.chance(0.4);
    const what = `applies ${batch.writes.length} writes to ${batch.to.slice(-6)}`;
    return this.#ask(what, async () => {
      if (lost) throw away();
      const result = await this.server.apply(batch);
      if (unknown) throw away();
      return result;
    });
  }

  drop(partition: number): Promise<void> {
    return this.#ask('drops a partition', () => this.server.drop(partition));
  }

  markBuilt(partition: number, reached: Checkpoint | null): Promise<boolean> {
    return this.#ask('marks a partition built', () => this.server.markBuilt(partition, reached));
  }

  builtPartitions(): Promise<number> {
    return this.#ask('counts built partitions', () => this.server.inner.builtPartitions());
  }

  wallet: ReadModel['wallet'] = (viewerId) => this.server.inner.wallet(viewerId);
  creator: ReadModel['creator'] = (creatorId) => this.server.inner.creator(creatorId);
  room: ReadModel['room'] = (roomId) => this.server.inner.room(roomId);
  rooms: ReadModel['rooms'] = (query) => this.server.inner.rooms(query);
  roomGifts: ReadModel['roomGifts'] = (roomId) => this.server.inner.roomGifts(roomId);
  board: ReadModel['board'] = (query) => this.server.inner.board(query);

  waitFor(subject: ReadModelSubject, position: Position, timeoutMs: number): Promise<boolean> {
    return this.server.inner.waitFor(subject, position, timeoutMs);
  }

  dump(): AsyncIterable<string> {
    return this.server.inner.dump();
  }

  async close(): Promise<void> {}

  #ask<Answer>(what: string, act: () => Promise<Answer>): Promise<Answer> {
    const { process, server } = this;
    const { random } = process;
    const fails = random.chance(server.faults.unavailable);
    return process.awaits<Answer>((resolve, reject) => {
      process.world.schedule(drawLatencyMs(random, server.faults), `${process.name} ${what}`, () => {
        // Sent before its process died, it may arrive all the same.
        if (!process.alive && random.chance(0.5)) return;
        (fails ? Promise.reject(away()) : act()).then(
          (answer) => process.later(drawLatencyMs(random, server.faults), `${what}: answered`, () => resolve(answer)),
          (error: unknown) =>
            process.later(drawLatencyMs(random, server.faults), `${what}: failed`, () => reject(error)),
        );
      });
    });
  }
}

function away(): ReadModelError {
  return new ReadModelError('unavailable', 'the simulated read model is away');
}
