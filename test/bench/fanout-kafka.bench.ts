// The publisher from the embedded log to a real Kafka, against bare kafkajs producers that write the very same batches.
import { randomUUID } from 'node:crypto';
import { openLmdbEventStore } from '@livegift/event-store-lmdb';
import type { EventStore } from '@livegift/event-store';
import type { FanOut, RoomMessage } from '@livegift/fanout';
import { openKafkaFanOut } from '@livegift/fanout-kafka';
import { silentTelemetry, type NewEvent } from '@livegift/kernel';
import { allOfTheWork } from '@livegift/lease';
import { startKafka } from '@livegift/local-servers';
import { systemClock, systemScheduler } from '@livegift/process';
import { PUBLISHER_DEFAULTS } from '@livegift/publisher/publisher.config';
import { Publisher } from '@livegift/publisher/publisher';
import { Kafka, logLevel, Partitioners, type Message, type Producer } from 'kafkajs';
import { withDirectory } from './engine.js';
import type { Row } from './row.js';

const GIFTS = Number(process.env['BENCH_KAFKA_GIFTS'] ?? 100_000);
const ROOMS = 1_000;
const VIEWERS = 10_000;
const APPEND_EVENTS = 500;
const PASSES = 3;
/** Of these gifts, within the broker's mebibyte a request. */
const REQUEST_MESSAGES = 1_000;
const GOAL_PER_SECOND = 15_000;
/** Ample time for a new topic's leaders. */
const LEADERS_MS = 2_000;
const GOAL_RATIO = 0.7;
/** The best that we know for kafkajs: it asks again at once while the broker writes the markers of the last transaction. */
const RETRY = { initialRetryTime: 3, factor: 0, multiplier: 1.2, maxRetryTime: 100, retries: 40 };

interface Batch {
  readonly sourcePartition: number;
  readonly messages: readonly RoomMessage[];
}

interface Pass {
  readonly perSecond: number;
  readonly batches: readonly Batch[];
}

export async function run(): Promise<readonly Row[]> {
  const kafka = await startKafka();
  try {
    return await withDirectory(async (directory) => {
      const store = await openLmdbEventStore({ directory });
      await sendGifts(store);
      const published: Pass[] = [];
      const bare: number[] = [];
      // In turns, so that both see the same machine; the first of each warms up.
      for (let pass = 0; pass <= PASSES; pass++) {
        published.push(await publish(store, kafka.brokers, pass));
        bare.push(await publishBare(published.at(-1)!.batches, kafka.brokers, pass));
      }
      await store.close();
      const readable = (figures: readonly number[]): string => figures.map((figure) => Math.round(figure)).join(' ');
      process.stderr.write(
        `published ${readable(published.map(({ perSecond }) => perSecond))}, bare ${readable(bare)}\n`,
      );
      return rows(published.slice(1), bare.slice(1));
    });
  } finally {
    await kafka.stop();
  }
}

function rows(published: readonly Pass[], bare: readonly number[]): readonly Row[] {
  const figure = median(published.map(({ perSecond }) => perSecond));
  const reference = median(bare);
  const sizes = published.at(-1)!.batches.map(({ messages }) => messages.length);
  const mean = Math.round(sizes.reduce((sum, size) => sum + size, 0) / sizes.length);
  return [
    {
      bench: 'publisher to Kafka',
      what: `${ROOMS.toLocaleString('en-US')} rooms, 12 source partitions, transactions of ${mean} gifts on average`,
      figure,
      unit: 'gifts/s',
      reference: { what: 'bare kafkajs, same batches', figure: reference },
      goal: '15,000/s, ratio 0.7',
      reached: figure >= GOAL_PER_SECOND && figure / reference >= GOAL_RATIO,
    },
  ];
}

const median = (figures: readonly number[]): number => [...figures].sort((a, b) => a - b)[figures.length >> 1]!;

/** From the first transaction with messages to the end of the last; opening is not in it. */
async function publish(store: EventStore, brokers: string, pass: number): Promise<Pass> {
  const fanOut = await openKafkaFanOut({
    brokers: [brokers],
    clientId: 'bench',
    clock: systemClock,
    scheduler: systemScheduler,
    telemetry: silentTelemetry,
    topic: `rooms-${pass}`,
    checkpointTopic: `checkpoints-${pass}`,
  });
  const batches: Batch[] = [];
  let [startedMs, endedMs] = [0, 0];
  const watched: FanOut = {
    sourcePartitionCount: fanOut.sourcePartitionCount,
    subscribe: (options) => fanOut.subscribe(options),
    end: () => fanOut.end(),
    close: () => fanOut.close(),
    openPublisher: async (sourcePartition) => {
      const publisher = await fanOut.openPublisher(sourcePartition);
      return {
        checkpoint: publisher.checkpoint,
        close: () => publisher.close(),
        publish: async (messages, checkpoint) => {
          if (messages.length > 0) {
            startedMs ||= performance.now();
            batches.push({ sourcePartition, messages });
          }
          await publisher.publish(messages, checkpoint);
          endedMs = performance.now();
        },
      };
    },
  };
  const publisher = new Publisher({
    events: store,
    fanOut: watched,
    work: allOfTheWork(fanOut.sourcePartitionCount),
    clock: systemClock,
    scheduler: systemScheduler,
    telemetry: silentTelemetry,
    config: PUBLISHER_DEFAULTS,
  });
  publisher.start();
  await publisher.caughtUp();
  await publisher.stop();
  await fanOut.close();
  const gifts = batches.reduce((sum, { messages }) => sum + messages.length, 0);
  if (gifts !== GIFTS) throw new Error(`${gifts} of ${GIFTS} gifts were published`);
  return { perSecond: gifts / ((endedMs - startedMs) / 1_000), batches };
}

/** As many producers, each with its partition's batches; without a checkpoint, and with messages that were made before. */
async function publishBare(batches: readonly Batch[], brokers: string, pass: number): Promise<number> {
  const kafka = new Kafka({ brokers: [brokers], clientId: 'bare', logLevel: logLevel.NOTHING });
  const topic = `bare-${pass}`;
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: 12, replicationFactor: 1 }], waitForLeaders: false });
  await new Promise((resolve) => setTimeout(resolve, LEADERS_MS));
  await admin.disconnect();
  const lanes = new Map<number, Message[][]>();
  for (const { sourcePartition, messages } of batches) {
    const lane = lanes.get(sourcePartition) ?? [];
    lane.push(messages.map(bareMessage));
    lanes.set(sourcePartition, lane);
  }
  const producers = await Promise.all(
    [...lanes.keys()].map((partition) => bareProducer(kafka, `bare-${pass}-${partition}`)),
  );
  const startedMs = performance.now();
  await Promise.all([...lanes.values()].map((lane, index) => sendAll(producers[index]!, topic, lane)));
  const seconds = (performance.now() - startedMs) / 1_000;
  await Promise.all(producers.map((producer) => producer.disconnect()));
  return GIFTS / seconds;
}

async function bareProducer(kafka: Kafka, transactionalId: string): Promise<Producer> {
  const producer = kafka.producer({
    transactionalId,
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: Partitioners.DefaultPartitioner,
    retry: RETRY,
  });
  await producer.connect();
  const empty = await producer.transaction();
  await empty.abort();
  return producer;
}

async function sendAll(producer: Producer, topic: string, batches: readonly Message[][]): Promise<void> {
  for (const messages of batches) {
    const transaction = await producer.transaction();
    for (let from = 0; from < messages.length; from += REQUEST_MESSAGES) {
      await transaction.send({ topic, messages: messages.slice(from, from + REQUEST_MESSAGES) });
    }
    await transaction.commit();
  }
}

const bareMessage = ({ id, roomId, storeId, position, occurredAt, body }: RoomMessage): Message => ({
  key: roomId,
  value: body,
  headers: {
    ce_specversion: '1.0',
    ce_id: id,
    ce_type: 'livegift.gift-sent.v1',
    ce_source: `/livegift/${storeId}`,
    ce_time: occurredAt,
    ce_subject: roomId,
    ce_sequence: position,
    'content-type': 'application/json',
  },
});

async function sendGifts(store: EventStore): Promise<void> {
  const revisions = new Map<string, number>();
  for (let from = 0; from < GIFTS; from += APPEND_EVENTS) {
    const gifts = Array.from({ length: Math.min(APPEND_EVENTS, GIFTS - from) }, (_, index) => from + index);
    const appends = gifts.map((gift) => {
      const stream = `wallet-viewer${gift % VIEWERS}`;
      const revision = revisions.get(stream);
      revisions.set(stream, (revision ?? -1) + 1);
      return store.append(stream, [giftSent(gift)], revision ?? 'no-stream');
    });
    await Promise.all(appends);
  }
}

function giftSent(gift: number): NewEvent {
  const [viewer, room] = [gift % VIEWERS, gift % ROOMS];
  const occurredAt = new Date().toISOString();
  return {
    id: randomUUID(),
    type: 'GiftSent',
    schemaVersion: 1,
    data: {
      giftId: `viewer${viewer}.${gift}`,
      roomId: `room-${room}`,
      creatorId: `creator-${room}`,
      viewerId: `viewer${viewer}`,
      gift: 'rose',
      quantity: 3,
      priceCoins: 1,
      coins: 3,
      diamonds: 150,
      creatorShareBps: 5_000,
      message: null,
      sender: { name: `name ${viewer}`, avatarUrl: null },
      streak: { id: `viewer${viewer}.5`, count: 6, coins: 18 },
      balance: 99_999,
      occurredAt,
      imported: false,
      importId: null,
    },
    metadata: { $correlationId: randomUUID(), $causationId: randomUUID(), recordedAt: occurredAt },
  };
}
