import type { RoomMessage } from '@livegift/fanout';
import type { Checkpoint, Position } from '@livegift/kernel';
import type { Kafka, ProducerBatch } from 'kafkajs';
import { KafkaPublisher, type KafkaPublisherParts } from './kafka-publisher.js';

const TOPICS = { rooms: 'rooms', checkpoints: 'checkpoints' };
const POSITION = '0000000000000001' as Position;
const CHECKPOINT: Checkpoint = { storeId: 'store-1', position: POSITION };
const GIFT: RoomMessage = {
  type: 'gift-sent',
  id: 'ada.1',
  roomId: 'evening',
  ...CHECKPOINT,
  occurredAt: '2026-01-01T00:00:00.000Z',
  body: '{}',
};

/** `NOT_LEADER_FOR_PARTITION`, as Kafka numbers it. */
const NOT_LEADER = 6;
const RETRIES = 3;

/** What kafkajs itself does with a request whose topics have their leaders on two brokers. */
const kafkajs = {
  sender: jest.requireActual<(parts: object) => (batch: ProducerBatch) => Promise<unknown>>(
    'kafkajs/src/producer/sendMessages',
  ),
  retrier: jest.requireActual<(options: object) => unknown>('kafkajs/src/retry'),
  ...jest.requireActual<{ createErrorFromCode(code: number): Error }>('kafkajs/src/protocol/error'),
};

describe('a transaction whose topics have their leaders on two brokers', () => {
  it('has every message once, when the leader of the rooms moves to the broker of the checkpoints', async () => {
    const brokers = new TwoBrokers({ refused: 'rooms', movedTo: 2 });
    await (await brokers.publisher()).publish([GIFT], CHECKPOINT);
    expect(brokers.written.sort()).toEqual(['checkpoints', 'rooms']);
    expect(brokers.isCommitted).toBe(true);
  });

  it('has every message once, when the checkpoint is refused while the messages are being written', async () => {
    const brokers = new TwoBrokers({ refused: 'checkpoints', movedTo: 2 });
    await (await brokers.publisher()).publish([GIFT], CHECKPOINT);
    expect(brokers.written.sort()).toEqual(['checkpoints', 'rooms']);
    expect(brokers.isCommitted).toBe(true);
  });

  it('is given up when one of them cannot be written, and not before the other has been', async () => {
    const brokers = new TwoBrokers({ refused: 'checkpoints', movedTo: null });
    const publisher = await brokers.publisher();
    await expect(publisher.publish([GIFT], CHECKPOINT)).rejects.toMatchObject({ code: 'unavailable' });
    expect(brokers.writtenWhenEnded).toEqual(['rooms']);
    expect(brokers.isCommitted).toBe(false);
    expect(publisher.checkpoint).toBeNull();
  });
});

interface TopicData {
  readonly topic: string;
  readonly partitions: readonly { readonly partition: number }[];
}

/** Broker 1 leads the rooms and is the slower one, broker 2 the checkpoints. One topic is refused, until it has moved. */
class TwoBrokers {
  readonly written: string[] = [];
  writtenWhenEnded: readonly string[] = [];
  isCommitted = false;
  #leaders: Record<string, number> = { rooms: 1, checkpoints: 2 };
  #isRefusing = true;
  #refusals = 0;
  #checkpointIsOver = (): void => {};
  readonly #checkpointOver = new Promise<void>((resolve) => {
    this.#checkpointIsOver = () => setImmediate(resolve);
  });

  constructor(private readonly fault: { readonly refused: string; readonly movedTo: number | null }) {}

  async publisher(): Promise<KafkaPublisher> {
    const transaction = (): unknown => {
      const end = (isCommitted: boolean) => async (): Promise<void> => {
        this.isCommitted = isCommitted;
        this.writtenWhenEnded = [...this.written];
      };
      return { sendBatch: this.#sender(), isActive: () => true, commit: end(true), abort: end(false) };
    };
    const producer = { connect: async () => {}, disconnect: async () => {}, transaction: async () => transaction() };
    const parts = {
      kafka: { producer: () => producer } as unknown as Kafka,
      clock: { now: () => 1 },
      topics: TOPICS,
      progress: { read: async () => new Map() },
      sourcePartition: 0,
      sourcePartitionCount: 1,
      isOnOneBroker: false,
      onClose: () => {},
    };
    return KafkaPublisher.open(parts as unknown as KafkaPublisherParts);
  }

  #sender(): (batch: ProducerBatch) => Promise<unknown> {
    const brokers = [1, 2].map((nodeId) => ({ nodeId, produce: (request: object) => this.#produce(request as never) }));
    return kafkajs.sender({
      logger: { debug: () => {}, error: () => {} },
      partitioner: () => 0,
      retrier: kafkajs.retrier({ initialRetryTime: 1, retries: RETRIES }),
      cluster: {
        refreshMetadataIfNecessary: async () => {},
        addMultipleTargetTopics: async () => {},
        isConnected: () => true,
        refreshMetadata: async () => this.#move(),
        findTopicPartitionMetadata: (topic: string) => [{ partitionId: 0, leader: this.#leaders[topic] }],
        findLeaderForPartitions: (topic: string) => ({ [this.#leaders[topic]!]: [0] }),
        findBroker: async ({ nodeId }: { nodeId: string }) => brokers[Number(nodeId) - 1],
      },
      eosManager: {
        acquireBrokerLock: async () => {},
        releaseBrokerLock: async () => {},
        isTransactional: () => true,
        addPartitionsToTransaction: async () => {},
        getSequence: () => 0,
        updateSequence: () => {},
        getTransactionalId: () => 'publisher',
        getProducerId: () => 1,
        getProducerEpoch: () => 0,
      },
    });
  }

  #move(): void {
    const { refused, movedTo } = this.fault;
    if (movedTo === null) return;
    this.#leaders[refused] = movedTo;
    this.#isRefusing = false;
  }

  async #produce({ topicData }: { readonly topicData: readonly TopicData[] }): Promise<unknown> {
    const topics = topicData.map(({ topic }) => topic);
    if (this.#isRefusing && topics.includes(this.fault.refused)) {
      this.#refusals += 1;
      if (this.#refusals > RETRIES) this.#checkpointIsOver();
      throw kafkajs.createErrorFromCode(NOT_LEADER);
    }
    if (topics.includes('checkpoints')) this.#checkpointIsOver();
    else await this.#checkpointOver;
    this.written.push(...topics);
    return {
      topics: topicData.map(({ topic, partitions }) => ({
        topicName: topic,
        partitions: partitions.map(({ partition }) => ({ partition, errorCode: 0, baseOffset: '0' })),
      })),
    };
  }
}
