import {
  FanOutError,
  sourcePartitionOf,
  type FanOut,
  type FanOutPublisher,
  type FanOutSubscription,
  type RoomMessage,
} from '@livegift/fanout';
import { openKafkaFanOut } from '@livegift/fanout-kafka';
import { instant, silentTelemetry, type Checkpoint, type Position } from '@livegift/kernel';
import { startKafka, type LocalKafka } from '@livegift/local-servers';
import { systemClock, systemScheduler } from '@livegift/process';
import { describeWithServers } from '../support/servers.js';
import { Kafka, logLevel, Partitioners, type KafkaMessage, type Message, type Producer } from 'kafkajs';

jest.setTimeout(600_000);

const STORE_ID = '6d1f7a52-6d3c-4c7e-9d52-0f2a2f0a8f11';
const BACK_MS = 600_000;
const PARTITIONS = 4;
/** Each costs the broker some seconds; ask for more to look harder. */
const KILLS = Number(process.env['KAFKA_KILLS'] ?? 1);

let broker: LocalKafka;
let plain: Kafka;
let fanOut: FanOut;
let topics: { readonly topic: string; readonly checkpointTopic: string };
let topicNumber = 0;

describeWithServers(['kafka'], 'the fan-out over a real Kafka', () => {
  beforeAll(async () => {
    broker = await startKafka();
    plain = new Kafka({ brokers: [broker.brokers], clientId: 'plain', logLevel: logLevel.NOTHING });
  });
  afterAll(() => broker.stop());

  beforeEach(async () => {
    topicNumber += 1;
    topics = { topic: `rooms-${topicNumber}`, checkpointTopic: `checkpoints-${topicNumber}` };
    fanOut = await openFanOut();
  });
  afterEach(() => fanOut.close());

  describe('what other consumers see in Kafka', () => {
    it('is CloudEvents 1.0 in binary mode, in the partition that any producer would choose for the room', async () => {
      const gift = messageOf('the-room', 7);
      const opened: RoomMessage = {
        ...messageOf('other.room', 8),
        type: 'room-opened',
        id: 'e-8',
        body: '{"title":"ü"}',
      };
      for (const message of [gift, opened]) await publishOnce([message]);
      const records = await readCommitted();
      expect(records).toHaveLength(2);
      const recordOf = (key: string): ReadRecord => records.find(({ message }) => message.key?.toString() === key)!;
      const { partition, message } = recordOf('the-room');
      expect(textHeaders(message)).toEqual({
        ce_specversion: '1.0',
        ce_id: 'viewer.7',
        ce_type: 'livegift.gift-sent.v1',
        ce_source: `/livegift/${STORE_ID}`,
        ce_time: gift.occurredAt,
        ce_subject: 'the-room',
        ce_sequence: gift.position,
        'content-type': 'application/json',
      });
      expect(message.value?.toString()).toBe(gift.body);
      expect(partition).toBe(defaultPartition('the-room'));
      expect(recordOf('other.room').partition).toBe(defaultPartition('other.room'));
      const { ce_type: type, ce_id: id } = textHeaders(recordOf('other.room').message);
      expect([type, id]).toEqual(['livegift.room-opened.v1', 'e-8']);
    });

    it('names the message before it, so that everybody can tell that none is missing', async () => {
      const room = roomIn(0);
      await publishOnce([messageOf(room, 1), messageOf(room, 2)]);
      await publishOnce([messageOf(room, 3)]);
      const previous = (await readCommitted()).map(({ message }) => textHeaders(message)['ce_previous']);
      expect(previous).toEqual([undefined, at(1), at(2)]);
    });
  });

  describe('transactions', () => {
    it('that were aborted are never seen', async () => {
      const room = roomIn(0);
      await publishOnce([messageOf(room, 1)]);
      const foreign = await foreignProducer('aborting');
      const transaction = await foreign.transaction();
      await transaction.send({ topic: topics.topic, messages: [{ key: room, value: 'never', partition: 0 }] });
      await transaction.abort();
      await foreign.disconnect();
      await publishOnce([messageOf(room, 2)]);
      expect(await seenBy(fanOut, 2)).toEqual([at(1), at(2)]);
    });

    it('that were open at the subscription are delivered once they are committed', async () => {
      const room = roomIn(0);
      await publishOnce([messageOf(room, 1)]);
      const foreign = await foreignProducer('slow');
      const transaction = await foreign.transaction();
      const { position, storeId, id, occurredAt, body } = messageOf(room, 2);
      const headers = { ce_type: 'livegift.gift-sent.v1', ce_source: `/livegift/${storeId}`, ce_sequence: position };
      const record = { key: room, value: body, partition: 0, headers: { ...headers, ce_id: id, ce_time: occurredAt } };
      await transaction.send({
        topic: topics.topic,
        messages: [{ ...record, headers: { ...record.headers, ce_previous: at(1) } }],
      });
      const subscription = await fanOut.subscribe({ backMs: 0 });
      while (!(await subscription.next())!.caughtUp);
      const waiting = subscription.next();
      await transaction.commit();
      expect((await waiting)!.messages.map((message) => message.position)).toEqual([at(2)]);
      await foreign.disconnect();
    });
  });

  describe('a transaction of which a reader sees one half', () => {
    // The broker ends a transaction in one partition after the other. Here each half is a transaction of its own.
    it('its checkpoint: waits for the messages, and takes none of them for lost', async () => {
      const room = roomIn(0);
      await publishOnce([messageOf(room, 1)]);
      const messages = await halfOf(topics.topic, [
        recordOf(messageOf(room, 2), at(1)),
        recordOf(messageOf(room, 3), at(2)),
      ]);
      await (await halfOf(topics.checkpointTopic, [checkpointOf(3)])).commit();
      const subscription = await fanOut.subscribe({ backMs: BACK_MS });
      const first = await toldBy(subscription, 'message 1');
      await messages.commit();
      expect([...first, ...(await toldBy(subscription, 'caught up'))]).toEqual([
        'floor 1',
        'message 1',
        'message 2',
        'message 3',
        'caught up',
      ]);
    });

    it('its checkpoint, in a partition that was quiet: is complete from before its messages on', async () => {
      const room = roomIn(0);
      const quiet = await fanOut.openPublisher(0);
      await quiet.publish([], { storeId: STORE_ID, position: at(1) });
      await quiet.close();
      const messages = await halfOf(topics.topic, [recordOf(messageOf(room, 2), at(1))]);
      await (await halfOf(topics.checkpointTopic, [checkpointOf(2)])).commit();
      const subscription = await fanOut.subscribe({ backMs: 0 });
      await messages.commit();
      expect(await toldBy(subscription, 'caught up')).toEqual(['floor 1', 'message 2', 'caught up']);
    });

    it('its messages: is not complete from before them on without delivering them', async () => {
      const room = roomIn(0);
      await publishOnce([messageOf(room, 1)]);
      await (await halfOf(topics.topic, [recordOf(messageOf(room, 2), at(1))])).commit();
      const subscription = await fanOut.subscribe({ backMs: 0 });
      const told = await toldBy(subscription, 'caught up');
      expect(told.slice(-2)).toEqual(['message 2', 'caught up']);
    });
  });

  describe('checkpoints', () => {
    it('are compacted, and found behind any number of aborted ones', async () => {
      const room = roomIn(1);
      await publishOnce([messageOf(room, 1)]);
      const admin = plain.admin();
      await admin.connect();
      const { resources } = await admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ type: 2, name: topics.checkpointTopic, configNames: ['cleanup.policy'] }],
      });
      expect(resources[0]!.configEntries.map(({ configValue }) => configValue)).toEqual(['compact']);
      await admin.disconnect();
      const foreign = await foreignProducer('aborting-checkpoints');
      const transaction = await foreign.transaction();
      const messages = Array.from({ length: 500 }, () => ({ key: '1', value: 'never', partition: 1 }));
      await transaction.send({ topic: topics.checkpointTopic, messages });
      await transaction.abort();
      await foreign.disconnect();
      const publisher = await fanOut.openPublisher(1);
      expect(publisher.checkpoint).toEqual(through(messageOf(room, 1)));
      const empty = await fanOut.openPublisher(2);
      expect(empty.checkpoint).toBeNull();
    });

    it('say when the newest message was published, as its record does, also those that come after it', async () => {
      const room = roomIn(0);
      await publishOnce([messageOf(room, 1)]);
      const next = await fanOut.openPublisher(0);
      await next.publish([], { storeId: STORE_ID, position: at(2) });
      await next.close();
      const [{ message: gift }] = (await readCommitted()) as [ReadRecord];
      const checkpoints = (await readCommitted(topics.checkpointTopic)).map(({ message }) => String(message.value));
      const ofNewest = { newest: at(1), newestAtMs: Number(gift.timestamp) };
      expect(checkpoints.map((value) => JSON.parse(value) as unknown)).toEqual([
        { storeId: STORE_ID, position: at(1), ...ofNewest },
        { storeId: STORE_ID, position: at(2), ...ofNewest },
      ]);
    });

    it('of many source partitions opened at once are each its own', async () => {
      for (let partition = 0; partition < PARTITIONS; partition++)
        await publishOnce([messageOf(roomIn(partition), partition + 1)]);
      const opened = await Promise.all([0, 1, 2, 3].map((partition) => fanOut.openPublisher(partition)));
      expect(opened.map(({ checkpoint }) => checkpoint?.position)).toEqual([at(1), at(2), at(3), at(4)]);
    });
  });

  describe('topics', () => {
    it('that are there keep their number of partitions', async () => {
      const again = await openFanOut({ partitions: 9 });
      expect(again.sourcePartitionCount).toBe(PARTITIONS);
      await again.close();
    });

    it('of different numbers of partitions are refused, for rooms would have moved away from their checkpoints', async () => {
      const admin = plain.admin();
      await admin.connect();
      await admin.createPartitions({ topicPartitions: [{ topic: topics.topic, count: PARTITIONS + 2 }] });
      const partitions = async (): Promise<number> => (await admin.fetchTopicOffsets(topics.topic)).length;
      while ((await partitions().catch(() => 0)) < PARTITIONS + 2);
      await admin.disconnect();
      await expect(openFanOut()).rejects.toMatchObject({ name: 'FanOutError', code: 'misconfigured' });
    });

    it('that both have got more partitions are not gone on with, for rooms would have moved', async () => {
      await publishOnce([messageOf(roomIn(0), 1)]);
      const admin = plain.admin();
      await admin.connect();
      const both = Object.values(topics);
      await admin.createPartitions({ topicPartitions: both.map((topic) => ({ topic, count: PARTITIONS + 2 })) });
      const added = async (topic: string): Promise<boolean> =>
        (await admin.fetchTopicOffsets(topic).catch(() => [])).length === PARTITIONS + 2;
      for (const topic of both) while (!(await added(topic)));
      await admin.disconnect();
      const again = await openFanOut();
      const refused = { name: 'FanOutError', code: 'misconfigured' };
      await expect(again.openPublisher(PARTITIONS)).rejects.toMatchObject(refused);
      await expect(again.subscribe({ backMs: BACK_MS })).rejects.toMatchObject(refused);
      await again.close();
    });
  });

  describe('topics that cannot be made', () => {
    it('are waited for, and it is said why: there are fewer brokers than replicas were asked for', async () => {
      const opening = openFanOut({ topic: 'none', checkpointTopic: 'none-either', replicationFactor: 3 });
      await expect(opening).rejects.toMatchObject({ name: 'FanOutError', code: 'unavailable' });
      await expect(opening).rejects.toThrow('Replication-factor is invalid');
    });
  });

  describe('topics that somebody else has made', () => {
    it.each([
      ['topic', 'compact'],
      ['checkpointTopic', 'delete'],
      ['checkpointTopic', 'compact,delete'],
    ] as const)('are refused when the policy of the %s is %s: it would lose what must stay', async (which, policy) => {
      topicNumber += 1;
      const made = { topic: `rooms-${topicNumber}`, checkpointTopic: `checkpoints-${topicNumber}` };
      const admin = plain.admin();
      await admin.connect();
      const configEntries = [{ name: 'cleanup.policy', value: policy }];
      const wanted = { topic: made[which], numPartitions: PARTITIONS, replicationFactor: 1, configEntries };
      await admin.createTopics({ topics: [wanted] });
      await admin.disconnect();
      const opening = openFanOut(made);
      await expect(opening).rejects.toMatchObject({ name: 'FanOutError', code: 'misconfigured' });
      await expect(opening).rejects.toThrow(`topic ${made[which]} must have cleanup.policy=`);
    });
  });

  describe('retention', () => {
    it('that was quicker than a subscriber ends its subscription, and the next begins with what is kept', async () => {
      const room = roomIn(0);
      const messages = Array.from({ length: 16_000 }, (_, index) => messageOf(room, index + 1));
      await publishOnce(messages);
      const slow = await fanOut.subscribe({ backMs: BACK_MS });
      while ((await slow.next())!.messages.length === 0);
      await deleteRecords(0, 15_999);
      const read = async (): Promise<void> => {
        for (;;) if ((await slow.next())!.messages.at(-1)?.position === at(16_000)) return;
      };
      await expect(read()).rejects.toMatchObject({ code: 'unavailable' });
      await slow.close();
      expect(await seenBy(fanOut, 1)).toEqual([at(16_000)]);
    });

    it('that has left nothing is told by the checkpoints: complete from the newest message on', async () => {
      await publishOnce([messageOf(roomIn(0), 1), messageOf(roomIn(0), 2)]);
      await deleteRecords(0, -1);
      const subscription = await fanOut.subscribe({ backMs: BACK_MS });
      expect(await toldBy(subscription, 'caught up')).toEqual(['floor 2', 'caught up']);
    });
  });

  describe('a broker that has lost what it had', () => {
    it('is found out by the first message that follows on one that never came', async () => {
      const room = roomIn(0);
      await publishOnce([messageOf(room, 1)]);
      const subscription = await fanOut.subscribe({ backMs: BACK_MS });
      const lossy = await foreignProducer('lossy');
      const transaction = await lossy.transaction();
      const records = [
        recordOf(messageOf(room, 2), at(1)),
        recordOf(messageOf(room, 7), at(6)),
        recordOf(messageOf(room, 8), at(7)),
      ];
      await transaction.send({ topic: topics.topic, messages: records });
      await transaction.commit();
      await lossy.disconnect();
      const told = await toldBy(subscription, 'message 8');
      expect(told.filter((each) => each !== 'caught up')).toEqual([
        'floor 1',
        'message 1',
        'message 2',
        'floor 6',
        'message 7',
        'message 8',
      ]);
    });

    it('is found out by the checkpoint that names a message that is not there', async () => {
      const room = roomIn(0);
      await publishOnce([messageOf(room, 1)]);
      const lossy = await foreignProducer('lossy-end');
      const transaction = await lossy.transaction();
      const value = JSON.stringify({ storeId: STORE_ID, position: at(9), newest: at(5) });
      await transaction.send({ topic: topics.checkpointTopic, messages: [{ key: '0', value, partition: 0 }] });
      await transaction.commit();
      await lossy.disconnect();
      const subscription = await fanOut.subscribe({ backMs: BACK_MS });
      const told = await toldBy(subscription, 'caught up');
      expect(told).toEqual(['floor 1', 'message 1', 'floor 5', 'caught up']);
    });
  });

  describe('a broker that hangs', () => {
    it('does not keep a subscription from closing', async () => {
      const subscription = await fanOut.subscribe({ backMs: BACK_MS });
      while (!(await subscription.next())!.caughtUp);
      broker.pause();
      await subscription.close();
      broker.resume();
      expect(await subscription.next()).toBeNull();
    });
  });

  describe('a broker that is killed in the middle', () => {
    it('loses nothing, repeats nothing, and changes no order; whoever reads goes on', async () => {
      const room = roomIn(0);
      const count = 3_000;
      const reading = readWithResubscribing(count);
      let kills = 0;
      const killing = (async (): Promise<void> => {
        for (; kills < KILLS; kills++) {
          await new Promise((resolve) => setTimeout(resolve, 1_500));
          await broker.kill();
          await broker.start();
        }
      })();
      await publishWithReopening(room, count, () => kills < KILLS);
      await killing;
      const expected = Array.from({ length: count }, (_, index) => at(index + 1));
      expect([...new Set(await reading)]).toEqual(expected);
      const records = await readCommitted();
      expect(records.map(({ message }) => textHeaders(message)['ce_sequence'])).toEqual(expected);
    });
  });
});

interface ReadRecord {
  readonly partition: number;
  readonly message: KafkaMessage;
}

type Chosen = Partial<Record<'topic' | 'checkpointTopic', string> & Record<'partitions' | 'replicationFactor', number>>;

function openFanOut(more: Chosen = {}): Promise<FanOut> {
  return openKafkaFanOut({
    brokers: [broker.brokers],
    clientId: 'spec',
    clock: systemClock,
    scheduler: systemScheduler,
    telemetry: silentTelemetry,
    partitions: PARTITIONS,
    ...topics,
    ...more,
  });
}

const at = (number: number): Position => String(number).padStart(40, '0') as Position;

function messageOf(roomId: string, number: number): RoomMessage {
  const position = at(number);
  const body = JSON.stringify({ type: 'gift', giftId: `viewer.${number}`, position, roomId, message: 'grüße 🎁' });
  const occurredAt = instant(1_780_000_000_000 + number);
  return { type: 'gift-sent', id: `viewer.${number}`, roomId, storeId: STORE_ID, position, occurredAt, body };
}

/** As a publisher of ours writes it. */
function recordOf({ roomId, position, storeId, id, occurredAt, body }: RoomMessage, previous: Position): Message {
  const headers = {
    ce_type: 'livegift.gift-sent.v1',
    ce_source: `/livegift/${storeId}`,
    ce_sequence: position,
    ce_id: id,
    ce_time: occurredAt,
    ce_previous: previous,
  };
  return { key: roomId, value: body, partition: sourcePartitionOf(roomId, PARTITIONS), headers };
}

const through = ({ storeId, position }: RoomMessage): Checkpoint => ({ storeId, position });

function roomIn(partition: number): string {
  for (let number = 0; ; number++) {
    if (sourcePartitionOf(`room-${number}`, PARTITIONS) === partition) return `room-${number}`;
  }
}

async function publishOnce(messages: readonly RoomMessage[]): Promise<void> {
  const publisher = await fanOut.openPublisher(sourcePartitionOf(messages[0]!.roomId, PARTITIONS));
  await publisher.publish(messages, through(messages.at(-1)!));
  await publisher.close();
}

/** As the publisher does: after any error a new one, which goes on from its checkpoint. At least while `goOn` says so. */
async function publishWithReopening(roomId: string, count: number, goOn: () => boolean): Promise<void> {
  let publisher: FanOutPublisher | null = null;
  for (;;) {
    try {
      publisher ??= await fanOut.openPublisher(0);
      const done = Number(publisher.checkpoint?.position ?? 0);
      if (done === count) return publisher.close();
      // Slowly, so that kills come in the middle.
      const last = Math.min(count - (goOn() ? 1 : 0), done + 10);
      if (last === done) await new Promise((resolve) => setTimeout(resolve, 20));
      const messages = Array.from({ length: last - done }, (_, index) => messageOf(roomId, done + index + 1));
      await publisher.publish(messages, { storeId: STORE_ID, position: at(last) });
    } catch (error) {
      expect(error).toBeInstanceOf(FanOutError);
      await publisher?.close();
      publisher = null;
    }
  }
}

async function readWithResubscribing(count: number): Promise<readonly Position[]> {
  const seen: Position[] = [];
  while (seen.at(-1) !== at(count)) {
    try {
      const subscription = await fanOut.subscribe({ backMs: BACK_MS });
      while (seen.at(-1) !== at(count)) {
        const { messages } = (await subscription.next())!;
        for (const { position } of messages) if (position > (seen.at(-1) ?? '')) seen.push(position);
      }
    } catch (error) {
      expect(error).toMatchObject({ code: 'unavailable' });
    }
  }
  return seen;
}

async function seenBy(reader: FanOut, count: number): Promise<readonly Position[]> {
  const subscription = await reader.subscribe({ backMs: BACK_MS });
  const seen: Position[] = [];
  while (seen.length < count) seen.push(...(await subscription.next())!.messages.map(({ position }) => position));
  await subscription.close();
  return seen;
}

/** Everything from the beginning, as any consumer of somebody else's would read it. */
async function readCommitted(topic = topics.topic): Promise<readonly ReadRecord[]> {
  const admin = plain.admin();
  await admin.connect();
  const ends = await admin.fetchTopicOffsets(topic);
  await admin.disconnect();
  const open = new Map(
    ends.filter(({ offset }) => offset !== '0').map(({ partition, offset }) => [partition, Number(offset)]),
  );
  const consumer = plain.consumer({ groupId: `reader-${systemClock.now()}`, maxWaitTimeInMs: 100 });
  const records: ReadRecord[] = [];
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await new Promise<void>((resolve, reject) => {
    consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
      if (Number(payload.lastOffset) + 1 >= (open.get(payload.partition) ?? Infinity)) open.delete(payload.partition);
      if (open.size === 0) resolve();
    });
    const eachBatch = async ({ batch }: { batch: { partition: number; messages: KafkaMessage[] } }): Promise<void> => {
      for (const message of batch.messages) records.push({ partition: batch.partition, message });
    };
    consumer.run({ autoCommit: false, eachBatch }).catch(reject);
  });
  await consumer.disconnect();
  return records;
}

function textHeaders({ headers }: KafkaMessage): Record<string, string> {
  return Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name, String(value)]));
}

function defaultPartition(key: string): number {
  const partitionMetadata = Array.from({ length: PARTITIONS }, (_, partitionId) => ({
    partitionId,
    leader: 1,
    isr: [],
    replicas: [],
    partitionErrorCode: 0,
  }));
  return Partitioners.DefaultPartitioner()({ topic: topics.topic, partitionMetadata, message: { key, value: null } });
}

async function foreignProducer(name: string): Promise<Producer> {
  const producer = plain.producer({
    transactionalId: `${name}-${topicNumber}`,
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  return producer;
}

/** What one transaction of a publisher writes to one of its two topics; to be committed by the test. */
async function halfOf(topic: string, messages: Message[]): Promise<{ commit(): Promise<void> }> {
  const producer = await foreignProducer(`half-${topic}`);
  const transaction = await producer.transaction();
  await transaction.send({ topic, messages });
  return {
    commit: async () => {
      await transaction.commit();
      await producer.disconnect();
    },
  };
}

/** Of source partition 0, as a publisher of ours writes it together with the message of that number. */
function checkpointOf(number: number): Message {
  const value = { storeId: STORE_ID, position: at(number), newest: at(number), newestAtMs: systemClock.now() };
  return { key: '0', value: JSON.stringify(value), partition: 0 };
}

/** What a subscription tells, in order, until it has told that. */
async function toldBy(subscription: FanOutSubscription, last: string): Promise<readonly string[]> {
  const told: string[] = [];
  while (!told.includes(last)) {
    const { floors, messages, caughtUp } = (await subscription.next())!;
    told.push(...floors.map(({ position }) => `floor ${Number(position)}`));
    told.push(...messages.map(({ position }) => `message ${Number(position)}`));
    if (caughtUp) told.push('caught up');
  }
  return told;
}

async function deleteRecords(partition: number, offset: number): Promise<void> {
  const admin = plain.admin();
  await admin.connect();
  // Tells kafkajs where the topic is, which it does not ask by itself here.
  await admin.fetchTopicOffsets(topics.topic);
  await admin.deleteTopicRecords({ topic: topics.topic, partitions: [{ partition, offset: String(offset) }] });
  await admin.disconnect();
}
