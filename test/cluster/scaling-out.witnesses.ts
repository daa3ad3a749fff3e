import { openEventStoreDb } from '@livegift/event-store-eventstoredb';
import { silentTelemetry, type Position, type RecordedEvent } from '@livegift/kernel';
import { openRedisLeases } from '@livegift/lease-redis';
import type { AppProcess } from '@livegift/local-servers';
import { batchesOf, PROJECTIONS_VERSION } from '@livegift/projections';
import { reachedDigits, type ReadModel } from '@livegift/read-model';
import { createMemoryReadModel } from '@livegift/read-model-memory';
import { openRedisReadModel } from '@livegift/read-model-redis';
import { Kafka, logLevel, type KafkaMessage } from 'kafkajs';
import { eventually } from '../support/api-client.js';
import type { Cluster } from '../support/cluster.js';

const PAGE_EVENTS = 1_000;
const PLACE_DIGITS = 16;
/** Long enough for a busy machine; it only ends a test that never will. */
export const SEEN_MS_MAX = 60_000;
const TOPIC = 'livegift.room-events.v1';

/** What one process says of itself; 0 of what it has never counted, or when it does not listen yet. */
export async function metricOf(app: AppProcess, name: string): Promise<number> {
  const text = await fetch(`${app.url}/metrics`).then(
    (response) => response.text(),
    () => '',
  );
  return Number(new RegExp(`^livegift_${name} (\\S+)$`, 'm').exec(text)?.[1] ?? 0);
}

/** What each holds, as the group has agreed. */
export async function agreedParts(cluster: Cluster, group: string): Promise<readonly (readonly number[])[]> {
  const leases = openRedisLeases({ url: cluster.env['REDIS_URL']!, telemetry: silentTelemetry });
  try {
    const { document } = await leases.read(group);
    const { members } = JSON.parse(document ?? '{"members":[]}') as { members: { parts: number[] }[] };
    return members.map(({ parts }) => parts);
  } finally {
    await leases.close();
  }
}

/** The whole log, by a reader of its own. */
export async function logOf(cluster: Cluster): Promise<readonly RecordedEvent[]> {
  const store = await openEventStoreDb({ connectionString: cluster.eventStore.url });
  try {
    const events: RecordedEvent[] = [];
    for (let after: Position | null = null; ;) {
      const page: readonly RecordedEvent[] = await store.readAll({ after, limit: PAGE_EVENTS });
      events.push(...page);
      if (page.length < PAGE_EVENTS) return events;
      after = page.at(-1)!.position;
    }
  } finally {
    await store.close();
  }
}

export interface RecordedGift extends RecordedEvent {
  readonly data: { readonly giftId: string; readonly roomId: string };
}

export const giftsIn = (events: readonly RecordedEvent[]): readonly RecordedGift[] =>
  events.filter((event): event is RecordedGift => event.type === 'GiftSent');

export const creditedIn = (events: readonly RecordedEvent[]): readonly string[] =>
  events.filter(({ type }) => type === 'DiamondsCredited').map(({ data }) => (data as { giftId: string }).giftId);

export const idsOf = (gifts: readonly RecordedGift[]): readonly string[] => gifts.map(({ data }) => data.giftId);

/** What Redis holds and the log does not fold to, and the other way round; empty when they are equal. */
export async function readModelDifferences(cluster: Cluster): Promise<readonly string[]> {
  const events = await logOf(cluster);
  const redis = await openRedisReadModel({ url: cluster.env['REDIS_URL']!, foldVersion: PROJECTIONS_VERSION });
  try {
    const to = events.at(-1)!.position;
    await eventually(
      () => furthestBehind(redis),
      (position) => position !== null && position >= to,
      SEEN_MS_MAX,
    );
    const [inRedis, folded] = [await linesOf(redis), await foldOf(events)];
    const missing = [...folded].filter((line) => !inRedis.has(line)).map((line) => `the fold has ${line}`);
    const surplus = [...inRedis].filter((line) => !folded.has(line)).map((line) => `Redis has ${line}`);
    return [...missing, ...surplus];
  } finally {
    await redis.close();
  }
}

/**
 * In memory, in one batch. Positions of this store are too long for that read model: its are the places in the log, and what
 * it says of them is put back into positions.
 */
async function foldOf(events: readonly RecordedEvent[]): Promise<ReadonlySet<string>> {
  const placeOf = (index: number): Position => String(index + 1).padStart(PLACE_DIGITS, '0') as Position;
  const placed = events.map((event, index) => ({ ...event, position: placeOf(index) }));
  const memory = createMemoryReadModel();
  const span = { storeId: 'the-log', from: [null], to: placeOf(events.length - 1), nowMs: Date.now() };
  for (const batch of batchesOf(placed, span)) await memory.apply(batch);
  await memory.markBuilt(0, null);
  const positionAt = (place: string): Position => events[Number(place) - 1]!.position;
  const reached = /^(board .* )(\d+)( \d+)$/;
  const lastGift = /^(room .*"lastGiftPosition":")(\d+)(".*)$/;
  const lines = [...(await linesOf(memory))].map((line) =>
    line
      .replace(reached, (_, entry, place, at) => `${entry}${reachedDigits(positionAt(place))}${at}`)
      .replace(lastGift, (_, room, place, rest) => `${room}${positionAt(place)}${rest}`),
  );
  await memory.close();
  return new Set(lines);
}

async function furthestBehind(readModel: ReadModel): Promise<Position | null> {
  const asked = Array.from({ length: readModel.partitionCount }, (_, partition) => readModel.checkpoint(partition));
  const positions = (await Promise.all(asked)).map((checkpoint) => checkpoint?.position ?? null);
  return positions.reduce((least, position) => {
    if (least === null || position === null) return null;
    return position < least ? position : least;
  });
}

async function linesOf(readModel: ReadModel): Promise<ReadonlySet<string>> {
  const lines = new Set<string>();
  for await (const line of readModel.dump()) lines.add(line);
  return lines;
}

/** Gifts by room as somebody else's read_committed consumer finds them in Kafka, from the beginning on, repeats and all. */
export class TopicReader {
  readonly #byRoom = new Map<string, string[]>();

  private constructor(private readonly disconnect: () => Promise<void>) {}

  static async start(cluster: Cluster): Promise<TopicReader> {
    const kafka = new Kafka({ brokers: [cluster.kafka.brokers], clientId: 'somebody', logLevel: logLevel.NOTHING });
    const consumer = kafka.consumer({ groupId: `somebody-${process.pid}-${Date.now()}`, maxWaitTimeInMs: 100 });
    const reader = new TopicReader(() => consumer.disconnect());
    await consumer.connect();
    await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
    await consumer.run({ autoCommit: false, eachMessage: async ({ message }) => reader.#take(message) });
    return reader;
  }

  get count(): number {
    return [...this.#byRoom.values()].reduce((sum, { length }) => sum + length, 0);
  }

  of(roomId: string): readonly string[] {
    return this.#byRoom.get(roomId) ?? [];
  }

  async stop(): Promise<void> {
    await this.disconnect();
  }

  #take({ key, headers }: KafkaMessage): void {
    if (String(headers?.['ce_type']) !== 'livegift.gift-sent.v1') return;
    const roomId = String(key);
    const known = this.#byRoom.get(roomId);
    const giftId = String(headers?.['ce_id']);
    if (known === undefined) this.#byRoom.set(roomId, [giftId]);
    else known.push(giftId);
  }
}
