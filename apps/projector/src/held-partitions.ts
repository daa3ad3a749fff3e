import type { Checkpoint, Position } from '@livegift/kernel';
import { ReadModelError, type ReadModel, type ReadModelBatch } from '@livegift/read-model';

interface HeldPartition {
  /** As last heard of; null: it holds nothing. */
  position: Position | null;
  /** Where the log was when it was last placed: from there on it may be marked built. */
  target: Position | null;
  isBuilt: boolean;
  /** Time of the newest gift among the events behind `position` that changed nothing here. */
  restingRecordedMs: number | null;
}

/** The partitions that this projector works on, and how far each has got. */
export class HeldPartitions {
  readonly #held = new Map<number, HeldPartition>();

  constructor(
    private readonly readModel: ReadModel,
    private readonly storeId: string,
  ) {}

  get size(): number {
    return this.#held.size;
  }

  get areBuilt(): boolean {
    return [...this.#held.values()].every(({ isBuilt }) => isBuilt);
  }

  /** Of the one that is furthest behind; null when one holds nothing, or none is held. */
  get least(): Position | null {
    const positions = [...this.#held.values()].map(({ position }) => position);
    if (positions.length === 0) return null;
    return positions.reduce((least, position) => (isBehind(position, least) ? position : least));
  }

  get positions(): ReadonlyMap<number, Position | null> {
    return new Map([...this.#held].map(([partition, { position }]) => [partition, position]));
  }

  get built(): number {
    return [...this.#held.values()].filter(({ isBuilt }) => isBuilt).length;
  }

  has(partition: number): boolean {
    return this.#held.has(partition);
  }

  /** @returns those that are new, and those that are gone */
  become(partitions: ReadonlySet<number>): { readonly gained: readonly number[]; readonly lost: readonly number[] } {
    const gained = [...partitions].filter((partition) => !this.has(partition));
    const lost = [...this.#held.keys()].filter((partition) => !partitions.has(partition));
    for (const partition of lost) this.#held.delete(partition);
    for (const partition of gained) this.#held.set(partition, newPartition());
    return { gained, lost };
  }

  positionOf(partition: number): Position | null {
    return this.#held.get(partition)?.position ?? null;
  }

  /** For `batchesOf`: of these partitions where they stand, of all others nothing. */
  positionsOf(partitions: Iterable<number>): (Position | null | undefined)[] {
    const positions = Array.from<Position | null | undefined>({ length: this.readModel.partitionCount });
    for (const partition of partitions) if (this.has(partition)) positions[partition] = this.positionOf(partition);
    return positions;
  }

  /**
   * Lets a partition stay where it stands for a while, where a batch writes nothing to it: its checkpoint is behind, its rows
   * are not. @returns false when it has to be moved, because it is not built yet
   */
  rest({ partition, newestRecordedMs }: ReadModelBatch): boolean {
    const held = this.#held.get(partition);
    if (held === undefined || !held.isBuilt) return false;
    held.restingRecordedMs = newer(held.restingRecordedMs, newestRecordedMs);
    return true;
  }

  /** The batch, as the partition has to have it after what it has rested through. */
  caughtUpWith(batch: ReadModelBatch): ReadModelBatch {
    const restingRecordedMs = this.#held.get(batch.partition)?.restingRecordedMs ?? null;
    return restingRecordedMs === null
      ? batch
      : { ...batch, newestRecordedMs: newer(batch.newestRecordedMs, restingRecordedMs) };
  }

  moved(partition: number, to: Position): void {
    const held = this.#held.get(partition);
    if (held === undefined) return;
    held.position = to;
    held.restingRecordedMs = null;
  }

  /** Takes over what the read model says: one that has fallen back has to catch up. @throws ReadModelError `checkpoint-foreign` */
  stored(partition: number, checkpoint: Checkpoint | null): void {
    if (checkpoint !== null && checkpoint.storeId !== this.storeId) {
      throw new ReadModelError(
        'checkpoint-foreign',
        `partition ${partition} was built from store ${checkpoint.storeId}`,
      );
    }
    const held = this.#held.get(partition);
    if (held === undefined) return;
    const position = checkpoint?.position ?? null;
    if (isBehind(position, held.position)) held.isBuilt = false;
    held.position = position;
    held.restingRecordedMs = null;
  }

  /** Reads where they stand. @throws ReadModelError `checkpoint-foreign` */
  async load(partitions: readonly number[], target: Position | null): Promise<Asked> {
    const asked = await askEach(partitions, (partition) => this.readModel.checkpoint(partition));
    for (const [partition, checkpoint] of asked.answers) {
      this.stored(partition, checkpoint);
      const held = this.#held.get(partition);
      if (held !== undefined) held.target = target;
    }
    return { gone: [], failures: asked.failures };
  }

  /** Marks those of `partitions` that have caught up. */
  markBuilt(partitions: Iterable<number>): Promise<Asked> {
    return this.#mark(
      [...partitions].filter((partition) => {
        const held = this.#held.get(partition);
        return held !== undefined && !held.isBuilt && !isBehind(held.position, held.target);
      }),
    );
  }

  /** Looks whether all that was built is still there. */
  look(): Promise<Asked> {
    return this.#mark([...this.#held.keys()].filter((partition) => this.#held.get(partition)!.isBuilt));
  }

  async #mark(partitions: readonly number[]): Promise<Asked> {
    const { storeId, readModel } = this;
    const { answers, failures } = await askEach(partitions, (partition) => {
      const position = this.positionOf(partition);
      return readModel.markBuilt(partition, position === null ? null : { storeId, position });
    });
    for (const [partition, isBuilt] of answers) {
      const held = this.#held.get(partition);
      if (held !== undefined) held.isBuilt = isBuilt;
    }
    return { gone: [...answers.keys()].filter((partition) => !answers.get(partition)), failures };
  }
}

const newPartition = (): HeldPartition => ({ position: null, target: null, isBuilt: false, restingRecordedMs: null });

function newer(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.max(a, b);
}

/** What came of asking for several partitions, which may live on several servers. */
export interface Asked {
  /** No longer as far as they were. */
  readonly gone: readonly number[];
  /** Could not be asked, each with why. */
  readonly failures: ReadonlyMap<number, unknown>;
}

/** All at once, each for itself: a server that is away holds up only what lives on it. */
export async function askEach<Answer>(
  partitions: readonly number[],
  ask: (partition: number) => Promise<Answer>,
): Promise<{ readonly answers: ReadonlyMap<number, Answer>; readonly failures: ReadonlyMap<number, unknown> }> {
  const answers = new Map<number, Answer>();
  const failures = new Map<number, unknown>();
  const settled = await Promise.allSettled(partitions.map(ask));
  for (const [index, partition] of partitions.entries()) {
    const outcome = settled[index]!;
    if (outcome.status === 'fulfilled') answers.set(partition, outcome.value);
    else failures.set(partition, outcome.reason);
  }
  return { answers, failures };
}

export function isBehind(position: Position | null, than: Position | null): boolean {
  return than !== null && (position === null || position < than);
}
