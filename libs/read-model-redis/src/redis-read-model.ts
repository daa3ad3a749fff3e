// Longer than most: the port has a dozen questions, and each is answered here from the parts beside this file.
import { silentTelemetry, type Checkpoint, type Position, type Scheduler } from '@livegift/kernel';
import {
  parseUtcOffset,
  partitionOf,
  ReadModelError,
  type Answer,
  type ApplyResult,
  type BoardAnswer,
  type BoardQuery,
  type CreatorRow,
  type Page,
  type ReadModel,
  type ReadModelBatch,
  type ReadModelSubject,
  type RoomRow,
  type RoomsQuery,
  type RowTable,
  type WalletRow,
} from '@livegift/read-model';
import { parseRedisUrl } from '@livegift/redis-connection';
import { askBoard } from './board-query.js';
import { Commands } from './commands.js';
import { RedisConnection } from './connection.js';
import { dumpLines } from './dump-lines.js';
import { PartitionKeys, PeriodNames } from './keys.js';
import { KeptBudget } from './kept-state.js';
import {
  KEY_PREFIX_DEFAULT,
  limitsOf,
  PARTITION_COUNT_DEFAULT,
  type Limits,
  type RedisReadModelOptions,
} from './options.js';
import { assertLayout, foreignStore, PartitionWriter } from './partition-writer.js';
import { askRooms } from './room-query.js';
import { rowOf, type RowOf } from './row.js';
import { assertReadable, storedOf, type PartitionAnswer, type Stored } from './stored.js';
import { Waits } from './waits.js';

/**
 * The read model of the cluster profile: partitions in a Redis or a Redis Cluster, whichever the server says it is. Any number
 * of processes may apply and ask. Resolves also when Redis is away: everything is `unavailable` until it is there.
 * @throws RangeError when an option is wrong
 */
export async function openRedisReadModel(options: RedisReadModelOptions): Promise<ReadModel> {
  const address = parseRedisUrl(options.url);
  parseUtcOffset(options.utcOffset ?? '+00:00');
  const { scheduler = systemScheduler, telemetry = silentTelemetry } = options;
  const connection = await RedisConnection.open(address, scheduler, telemetry);
  return new RedisReadModel(connection, options, scheduler);
}

class RedisReadModel implements ReadModel {
  readonly partitionCount: number;
  readonly #limits: Limits;
  readonly #layout: string;
  readonly #keys: readonly PartitionKeys[];
  readonly #periods: PeriodNames;
  readonly #writers: readonly PartitionWriter[];
  readonly #waits: Waits;

  constructor(
    private readonly connection: RedisConnection,
    options: RedisReadModelOptions,
    scheduler: Scheduler,
  ) {
    const { utcOffset = '+00:00', partitionCount = PARTITION_COUNT_DEFAULT, keyPrefix = KEY_PREFIX_DEFAULT } = options;
    const prefix = `${keyPrefix}v${options.foldVersion}:`;
    this.partitionCount = partitionCount;
    this.#limits = limitsOf(options);
    this.#layout = `1 partitions=${partitionCount} utcOffset=${utcOffset}`;
    this.#periods = new PeriodNames(parseUtcOffset(utcOffset));
    this.#keys = Array.from({ length: partitionCount }, (_, partition) => new PartitionKeys(prefix, partition));
    const parts = {
      connection,
      periods: this.#periods,
      budget: new KeptBudget(this.#limits.keptEntriesMax),
      layout: this.#layout,
      partitionCount,
      retentionMs: options.retentionMs ?? null,
      applyMsMax: this.#limits.applyMsMax,
    };
    this.#writers = this.#keys.map((keys) => new PartitionWriter(keys, parts));
    this.#waits = new Waits(scheduler, this.#limits, async (partition) => (await this.#read(partition)).position);
  }

  async checkpoint(partition: number): Promise<Checkpoint | null> {
    const { checkpoint, layout } = await this.#stored(partition);
    assertLayout(layout, this.#layout);
    return checkpoint;
  }

  async apply(batch: ReadModelBatch): Promise<ApplyResult> {
    return this.#writers[batch.partition]!.apply(batch);
  }

  async drop(partition: number): Promise<void> {
    await this.#writers[partition]!.drop();
  }

  async markBuilt(partition: number, reached: Checkpoint | null): Promise<boolean> {
    const words = [this.#keys[partition]!.checkpoint, reached?.storeId ?? '', reached?.position ?? ''];
    const reply = await this.connection.script('livegiftMarkBuilt', words, this.#limits.answerMsMax);
    if (reply === 1) return true;
    const { checkpoint } = storedOf(reply);
    if (reached !== null && checkpoint !== null && checkpoint.storeId !== reached.storeId) {
      throw foreignStore(checkpoint.storeId);
    }
    return false;
  }

  async builtPartitions(): Promise<number> {
    const stored = await Promise.all(this.#keys.map((_, partition) => this.#stored(partition)));
    for (const { layout } of stored) assertLayout(layout, this.#layout);
    return stored.filter(({ isBuilt }) => isBuilt).length;
  }

  wallet(viewerId: string): Promise<Answer<WalletRow> | null> {
    return this.#row('wallet', viewerId, { wallet: viewerId });
  }

  creator(creatorId: string): Promise<Answer<CreatorRow> | null> {
    return this.#row('creator', creatorId, { creator: creatorId });
  }

  room(roomId: string): Promise<Answer<RoomRow> | null> {
    return this.#row('room', roomId, { room: roomId });
  }

  rooms(query: RoomsQuery): Promise<Page<RoomRow>> {
    return askRooms(query, {
      keys: this.#keys,
      read: (partition, commands) => this.#read(partition, commands),
      waitFor: (roomId, position, timeoutMs) => this.waitFor({ room: roomId }, position, timeoutMs),
    });
  }

  async roomGifts(roomId: string): Promise<Answer<readonly string[]>> {
    const partition = partitionOf({ room: roomId }, this.partitionCount);
    const commands = new Commands();
    commands.add('LRANGE', this.#keys[partition]!.roomGifts(roomId), [0, -1]);
    const { position, answers } = await this.#read(partition, commands);
    return { row: answers[0] as string[], position };
  }

  board(query: BoardQuery): Promise<BoardAnswer> {
    const { answerMsMax } = this.#limits;
    const parts = { connection: this.connection, keys: this.#keys, periods: this.#periods, layout: this.#layout };
    return askBoard({ ...parts, answerMsMax }, query);
  }

  waitFor(subject: ReadModelSubject, position: Position, timeoutMs: number): Promise<boolean> {
    return this.#waits.wait(partitionOf(subject, this.partitionCount), position, timeoutMs);
  }

  async *dump(): AsyncIterable<string> {
    yield* dumpLines({
      keys: this.#keys,
      periods: this.#periods,
      stored: (partition) => this.#stored(partition),
      read: (partition, commands) => this.#read(partition, commands),
    });
  }

  async close(): Promise<void> {
    this.connection.close();
    this.#waits.failAll(new ReadModelError('unavailable', 'the read model is closed'));
  }

  async #row<Table extends RowTable>(
    table: Table,
    id: string,
    subject: ReadModelSubject,
  ): Promise<Answer<RowOf[Table]> | null> {
    const partition = partitionOf(subject, this.partitionCount);
    const commands = new Commands();
    commands.add('HGET', this.#keys[partition]!.tables[table], [id]);
    const { position, answers } = await this.#read(partition, commands);
    const text = answers[0] as string | null;
    return text === null ? null : { row: rowOf(table, id, text), position };
  }

  /** What the commands read, and how far the partition is, as of one instant. @throws ReadModelError `rebuilding` */
  async #read(partition: number, commands = new Commands()): Promise<PartitionAnswer> {
    const keys = commands.besides([this.#keys[partition]!.checkpoint], this.connection.isCluster);
    const words = [...keys, commands.text];
    const reply = await this.connection.script('livegiftRead', words, this.#limits.answerMsMax);
    const [checkpoint, ...answers] = reply as readonly unknown[];
    const stored = storedOf(checkpoint);
    assertReadable(stored, this.#layout);
    return { position: stored.checkpoint?.position ?? null, answers };
  }

  async #stored(partition: number): Promise<Stored> {
    const words = [1, this.#keys[partition]!.checkpoint, new Commands().text];
    const [reply] = (await this.connection.script('livegiftRead', words, this.#limits.answerMsMax)) as unknown[];
    return storedOf(reply);
  }
}

const systemScheduler: Scheduler = {
  after(delayMs, task) {
    const timer = setTimeout(task, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};
