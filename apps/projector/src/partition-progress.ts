import type { Checkpoint, Position } from '@livegift/kernel';
import { ReadModelError, type ReadModel } from '@livegift/read-model';

/** How far each partition has got, as last heard of. */
export class PartitionProgress {
  private constructor(
    private readonly readModel: ReadModel,
    private readonly storeId: string,
    private readonly checkpoints: (Position | null)[],
  ) {}

  /** @throws ReadModelError `unavailable`, `checkpoint-foreign` */
  static async load(readModel: ReadModel, storeId: string): Promise<PartitionProgress> {
    const partitions = Array.from({ length: readModel.partitionCount }, (_, partition) => partition);
    const checkpoints = await Promise.all(partitions.map((partition) => readModel.checkpoint(partition)));
    const progress = new PartitionProgress(
      readModel,
      storeId,
      partitions.map(() => null),
    );
    for (const [partition, checkpoint] of checkpoints.entries()) progress.stored(partition, checkpoint);
    return progress;
  }

  get positions(): readonly (Position | null)[] {
    return this.checkpoints;
  }

  /** Of the partition that is furthest behind. */
  get least(): Position | null {
    let least = this.checkpoints[0] ?? null;
    for (const position of this.checkpoints)
      if (position === null || (least !== null && position < least)) least = position;
    return least;
  }

  hasReached(target: Position | null): boolean {
    const { least } = this;
    return target === null || (least !== null && least >= target);
  }

  moved(partition: number, to: Position): void {
    this.checkpoints[partition] = to;
  }

  /** Takes over what the read model says. @throws ReadModelError `checkpoint-foreign` */
  stored(partition: number, checkpoint: Checkpoint | null): Position | null {
    if (checkpoint !== null && checkpoint.storeId !== this.storeId) {
      throw new ReadModelError(
        'checkpoint-foreign',
        `partition ${partition} was built from store ${checkpoint.storeId}`,
      );
    }
    this.checkpoints[partition] = checkpoint?.position ?? null;
    return this.checkpoints[partition]!;
  }

  /** False when one of them is no longer as far as it was. @throws ReadModelError `unavailable`, `checkpoint-foreign` */
  async markBuilt(): Promise<boolean> {
    const { storeId, readModel } = this;
    const marked = this.checkpoints.map((position, partition) =>
      readModel.markBuilt(partition, position === null ? null : { storeId, position }),
    );
    return (await Promise.all(marked)).every((isBuilt) => isBuilt);
  }
}
