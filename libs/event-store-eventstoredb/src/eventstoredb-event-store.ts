import {
  EventStoreError,
  historyIdFrom,
  HISTORY_STREAM,
  type Appended,
  type AppendResult,
  type EventReader,
  type EventStore,
  type ExpectedRevision,
  type OrderedAppend,
  type OrderedAppendResult,
  type ReadAllOptions,
  type ReadStreamOptions,
  type Snapshot,
  type SubscribeOptions,
  type Subscription,
} from '@livegift/event-store';
import {
  silentTelemetry,
  type Checkpoint,
  type NewEvent,
  type Position,
  type RecordedEvent,
  type Telemetry,
} from '@livegift/kernel';
import { CallGate } from './call-gate.js';
import { parseConnectionString } from './connection-string.js';
import { Connection } from './connection.js';
import { firstChoice } from './deployment-choice.js';
import { EventAppends } from './event-appends.js';
import { KeptState } from './kept-state.js';
import { LogFeed } from './log-feed.js';
import { LogReads, READ_EVENTS_MAX } from './log-reads.js';
import { LogSubscription } from './log-subscription.js';
import { isServerPosition } from './position.js';
import { LIMITS_DEFAULT, type EventStoreDbLimits } from './eventstoredb-limits.js';
import { UnavailableForGoodError } from './server-errors.js';
import { knownStoreIdentity, storeIdentity } from './store-identity.js';

const OPEN_AGAIN_FIRST_MS = 50;
const OPEN_AGAIN_MAX_MS = 2_000;

export interface EventStoreDbOptions {
  /** `esdb://[user:password@]host:port[,…][?tls=false&…]` or `esdb+discover://…`; never logged. */
  readonly connectionString: string;
  readonly telemetry?: Telemetry;
  readonly limits?: Partial<EventStoreDbLimits>;
}

/**
 * Connects, and finds or makes the store's id.
 * @throws EventStoreError `unavailable`: no server within `openMs`, a connection string that is none, or no access
 */
export async function openEventStoreDb(options: EventStoreDbOptions): Promise<EventStoreDb> {
  return await open(options, (connection, reads) => storeIdentity(connection, reads));
}

/**
 * The same to read from only: it writes nothing, not even the store's id.
 * @throws EventStoreError `unavailable`, also where no livegift ever wrote
 */
export async function openEventStoreDbReader(
  options: EventStoreDbOptions,
): Promise<EventReader & { close(): Promise<void> }> {
  return await open(options, async (_connection, reads) => {
    const storeId = await knownStoreIdentity(reads);
    if (storeId === null) throw new UnavailableForGoodError('there is no log of livegift in that event store');
    return storeId;
  });
}

type Identify = (connection: Connection, reads: LogReads) => Promise<string>;

async function open(options: EventStoreDbOptions, identify: Identify): Promise<EventStoreDb> {
  const { connectionString, telemetry = silentTelemetry } = options;
  const limits = { ...LIMITS_DEFAULT, ...options.limits };
  const connection = new Connection(parseConnectionString(connectionString), limits, telemetry);
  const reads = new LogReads(connection);
  try {
    const identifyHistory: Identify = async () => {
      const storeUuid = await identify(connection, reads);
      const [newest] = await reads.stream(HISTORY_STREAM, { direction: 'backwards', limit: 1 });
      return historyIdFrom(storeUuid, newest);
    };
    const storeId = await identified(connection, reads, identifyHistory, limits.openMs, telemetry);
    telemetry.info('event store opened', { storeId });
    return new EventStoreDb(storeId, connection, reads, limits, telemetry);
  } catch (error) {
    await connection.close();
    throw error;
  }
}

async function identified(
  connection: Connection,
  reads: LogReads,
  identify: Identify,
  openMs: number,
  telemetry: Telemetry,
): Promise<string> {
  const end = performance.now() + openMs;
  for (let delayMs = OPEN_AGAIN_FIRST_MS; ; delayMs = Math.min(2 * delayMs, OPEN_AGAIN_MAX_MS)) {
    try {
      // Looks at `$all` too: a user who may not read it is told now, not with the first subscription.
      await reads.head();
      return await identify(connection, reads);
    } catch (error) {
      const { message } = error as Error;
      if (performance.now() + delayMs > end || error instanceof UnavailableForGoodError) throw error;
      telemetry.warn('the event store cannot be reached yet', { reason: message });
      await new Promise((resolve) => setTimeout(resolve, delayMs));
    }
  }
}

/** The event store on EventStoreDB. Any number of processes may use one server. Made by `openEventStoreDb`. */
export class EventStoreDb implements EventStore {
  readonly appendBytesMax: number;
  readonly appendEventsMax: number;
  readonly readEventsMax = READ_EVENTS_MAX;
  readonly #gate: CallGate;
  readonly #appends: EventAppends;
  readonly #kept: KeptState;
  readonly #subscriptions = new Set<Subscription>();
  #underWay = 0;
  #idle: (() => void)[] = [];
  #closing: Promise<void> | null = null;

  constructor(
    readonly storeId: string,
    private readonly connection: Connection,
    private readonly reads: LogReads,
    private readonly limits: EventStoreDbLimits,
    private readonly telemetry: Telemetry,
  ) {
    this.appendBytesMax = limits.appendBytesMax;
    this.appendEventsMax = limits.appendEventsMax;
    this.#gate = new CallGate(limits.inFlightMax, limits.queueLengthMax, (waiting) => {
      telemetry.count('event_store_overloaded_total');
      return new EventStoreError('overloaded', `${waiting} appends are waiting already`);
    });
    this.#appends = new EventAppends(connection, reads, limits);
    this.#kept = new KeptState(connection, reads, storeId, telemetry);
  }

  async append(stream: string, events: readonly NewEvent[], expected: ExpectedRevision): Promise<AppendResult> {
    this.#assertOpen();
    const wire = this.#appends.encoded(stream, events);
    return await this.#gate.run(() => this.#appends.append(stream, wire, expected));
  }

  /** One after the other: only an answered append is certain to stand before the next. */
  async appendInOrder(entries: readonly OrderedAppend[]): Promise<OrderedAppendResult> {
    const results: Appended[] = [];
    for (const { stream, events, expected } of entries) {
      try {
        this.#assertOpen();
        const wire = this.#appends.encoded(stream, events);
        results.push(await this.#gate.run(() => this.#appends.appendLast(stream, wire, expected)));
      } catch (error) {
        return { results, failure: error as Error };
      }
    }
    return { results };
  }

  async readStream(stream: string, options: ReadStreamOptions): Promise<readonly RecordedEvent[]> {
    return await this.#using(() => this.reads.stream(stream, options));
  }

  async readAll(options: ReadAllOptions): Promise<readonly RecordedEvent[]> {
    return await this.#using(() => this.reads.all(options));
  }

  async head(): Promise<Position | null> {
    return await this.#using(() => this.reads.head());
  }

  async subscribe(options: SubscribeOptions): Promise<Subscription> {
    const head = await this.#using(() => this.reads.head());
    const { after } = options;
    assertCheckpoint(after, this.storeId, head);
    if (after !== null) await this.#using(() => this.reads.standingBefore(after.position));
    this.#assertOpen();
    const { connection, limits, telemetry, reads } = this;
    const feed = new LogFeed(connection, after?.position ?? null, options.types, limits, telemetry, reads);
    const closed = (): void => void this.#subscriptions.delete(subscription);
    const subscription = new LogSubscription(feed, reads, options, closed);
    this.#subscriptions.add(subscription);
    return subscription;
  }

  async loadSnapshot(name: string): Promise<Snapshot | null> {
    return await this.#using(() => this.#kept.loadSnapshot(name));
  }

  async saveSnapshot(name: string, snapshot: Snapshot): Promise<void> {
    await this.#using(() => this.#kept.saveSnapshot(name, snapshot));
  }

  async loadCheckpoint(consumer: string): Promise<Checkpoint | null> {
    return await this.#using(() => this.#kept.loadCheckpoint(consumer));
  }

  async saveCheckpoint(consumer: string, position: Position | null): Promise<void> {
    await this.#using(() => this.#kept.saveCheckpoint(consumer, position));
  }

  /**
   * For what is chosen once for a deployment: what was first chosen under this name, which is `value` if nobody was earlier.
   * @throws EventStoreError `unavailable`
   */
  async firstChoice(name: string, value: string): Promise<string> {
    return await this.#using(() => firstChoice(this.connection, this.reads, name, value));
  }

  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    for (const subscription of this.#subscriptions) subscription.close();
    await this.#gate.drained();
    await this.#kept.drained();
    if (this.#underWay > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
    await this.connection.close();
  }

  /** Reads too are let end before the connection is closed: each is bounded by its deadline. */
  async #using<T>(task: () => Promise<T>): Promise<T> {
    this.#assertOpen();
    this.#underWay++;
    try {
      return await task();
    } finally {
      if (--this.#underWay === 0) for (const resolve of this.#idle.splice(0)) resolve();
    }
  }

  #assertOpen(): void {
    if (this.#closing !== null) throw new EventStoreError('unavailable', 'the event store is closed');
  }
}

function assertCheckpoint(after: Checkpoint | null, storeId: string, head: Position | null): void {
  if (after === null) return;
  if (after.storeId !== storeId || !isServerPosition(after.position)) {
    throw new EventStoreError('checkpoint-foreign', `the checkpoint is of store ${after.storeId}, this is ${storeId}`);
  }
  if (head !== null && after.position <= head) return;
  const message = `the checkpoint is at ${after.position}, the log ends at ${head ?? 'its beginning'}`;
  throw new EventStoreError('checkpoint-beyond-end', message);
}
