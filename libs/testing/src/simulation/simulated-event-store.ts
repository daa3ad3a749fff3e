import type { Checkpoint, NewEvent, Position, RecordedEvent } from '@livegift/kernel';
import {
  assertAppendable,
  EventStoreError,
  type Appended,
  type AppendResult,
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
import { SUBSCRIPTION_BATCH_EVENTS } from '../event-store/in-memory-event-store.js';
import type { SimulatedProcess } from './simulated-process.js';
import type { SimulatedStoreServer } from './simulated-store-server.js';
import { SimulatedSubscription } from './simulated-subscription.js';
import { drawAppendFate, drawLatencyMs, type AppendFate } from './store-faults.js';

const AWAY = 'the simulated store is away';

/** The handle that one process has on the store. Everything it asks travels there and back through the world's queue. */
export class SimulatedEventStore implements EventStore {
  readonly storeId: string;
  readonly appendBytesMax: number;
  readonly appendEventsMax: number;
  readonly readEventsMax: number;
  /** Calls that will never be answered: the process hangs on them until it is restarted. */
  unanswered = 0;
  readonly #subscriptions = new Set<SimulatedSubscription>();
  #appends = 0;
  #closed = false;
  #whenQuiet: (() => void)[] = [];

  constructor(
    private readonly server: SimulatedStoreServer,
    private readonly process: SimulatedProcess,
  ) {
    const { log } = server;
    this.storeId = log.storeId;
    ({
      appendBytesMax: this.appendBytesMax,
      appendEventsMax: this.appendEventsMax,
      readEventsMax: this.readEventsMax,
    } = log.bounds);
  }

  async append(stream: string, events: readonly NewEvent[], expected: ExpectedRevision): Promise<AppendResult> {
    this.#assertOpen();
    assertAppendable(stream, events);
    this.server.log.assertFits(events);
    const copy = events.map((event) => ({ ...event }));
    this.#appends++;
    try {
      return await this.#send(stream, copy, expected);
    } finally {
      this.#appends--;
      if (this.#appends === 0) for (const quiet of this.#whenQuiet.splice(0)) quiet();
    }
  }

  async appendInOrder(entries: readonly OrderedAppend[]): Promise<OrderedAppendResult> {
    const results: Appended[] = [];
    for (const { stream, events, expected } of entries) {
      try {
        const { revision, positions } = await this.append(stream, events, expected);
        results.push({ revision, position: positions.at(-1)! });
      } catch (failure) {
        return { results, failure: failure as Error };
      }
    }
    return { results };
  }

  readStream(stream: string, options: ReadStreamOptions): Promise<readonly RecordedEvent[]> {
    return this.#ask(`reads ${stream}`, () => this.server.log.readStream(stream, options));
  }

  readAll(options: ReadAllOptions): Promise<readonly RecordedEvent[]> {
    return this.#ask('reads the log', () => this.server.log.readAll(options));
  }

  head(): Promise<Position | null> {
    return this.#ask('asks the head', () => this.server.log.head());
  }

  subscribe(options: SubscribeOptions): Promise<Subscription> {
    return this.#ask('subscribes', () => {
      this.server.log.assertKnown(options.after);
      const subscription = new SimulatedSubscription(this.server, this.process, {
        through: options.after?.position ?? null,
        saidCaughtUp: false,
        types: options.types === undefined ? null : new Set(options.types),
        batchEventsMax: options.batchEventsMax ?? SUBSCRIPTION_BATCH_EVENTS,
      });
      this.#subscriptions.add(subscription);
      return subscription;
    });
  }

  loadSnapshot(name: string): Promise<Snapshot | null> {
    return this.#ask(`loads snapshot ${name}`, () => this.server.snapshot(name));
  }

  async saveSnapshot(name: string, snapshot: Snapshot): Promise<void> {
    if (snapshot.bytes.byteLength > this.appendBytesMax * 64) {
      throw new EventStoreError('append-too-large', `a snapshot of ${snapshot.bytes.byteLength} bytes`);
    }
    const copy = { ...snapshot, bytes: snapshot.bytes.slice() };
    await this.#ask(`saves snapshot ${name}`, () => this.server.keepSnapshot(name, copy));
  }

  loadCheckpoint(consumer: string): Promise<Checkpoint | null> {
    return this.#ask(`loads checkpoint ${consumer}`, () => this.server.checkpoint(consumer));
  }

  saveCheckpoint(consumer: string, position: Position | null): Promise<void> {
    return this.#ask(`saves checkpoint ${consumer} ${position?.slice(-6) ?? 'none'}`, () =>
      this.server.keepCheckpoint(consumer, position),
    );
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const subscription of this.#subscriptions) subscription.close();
    this.#subscriptions.clear();
    if (this.#appends > 0) await new Promise<void>((resolve) => this.#whenQuiet.push(resolve));
    this.server.sync();
  }

  /** Anything but an append: asked, looked up there, answered; each takes its time. */
  async #ask<Answer>(what: string, look: () => Answer): Promise<Answer> {
    this.#assertOpen();
    const { server, process } = this;
    const { faults, random, epoch } = server;
    const fails = random.chance(faults.unavailable);
    const silent = random.chance(faults.noAnswer);
    return process.awaits<Answer>((resolve, reject) => {
      process.later(drawLatencyMs(random, faults), what, () => {
        if (silent) {
          this.unanswered++;
          return;
        }
        const answer = settle(() => {
          if (fails || server.away || server.epoch !== epoch) throw new EventStoreError('unavailable', AWAY);
          return look();
        });
        process.later(drawLatencyMs(random, faults), `${what}: answered`, () => answer(resolve, reject));
      });
    });
  }

  #send(stream: string, events: readonly NewEvent[], expected: ExpectedRevision): Promise<AppendResult> {
    const { server, process } = this;
    const { faults, random } = server;
    const fate = drawAppendFate(random, faults);
    return process.awaits<AppendResult>((resolve, reject) => {
      const fail = (code: 'unavailable' | 'overloaded' | 'append-outcome-unknown'): void =>
        process.later(drawLatencyMs(random, faults), `append to ${stream}: ${code}`, () =>
          reject(new EventStoreError(code, AWAY)),
        );
      if (fate === 'unavailable' || fate === 'overloaded') fail(fate);
      else if (fate === 'unknown-lost') fail('append-outcome-unknown');
      else if (fate === 'silent-lost') this.unanswered++;
      else this.#travel(fate, stream, events, expected, (settled) => settled(resolve, reject));
    });
  }

  /** The append arrives and is made, whatever has become of who sent it; then it is answered, or not. */
  #travel(
    fate: AppendFate,
    stream: string,
    events: readonly NewEvent[],
    expected: ExpectedRevision,
    answer: (settled: Settled<AppendResult>) => void,
  ): void {
    const { server, process } = this;
    const { faults, random, epoch } = server;
    const unknown: Settled<AppendResult> = (_resolve, reject) =>
      reject(new EventStoreError('append-outcome-unknown', 'no answer came'));
    const away: Settled<AppendResult> = (_resolve, reject) => reject(new EventStoreError('unavailable', AWAY));
    const survivesItsSender = random.chance(0.5);
    const arrivesMs = drawLatencyMs(random, faults);
    if (fate === 'silent-made') this.unanswered++;
    // Given up before it arrives, perhaps: then it is made after the caller was told that nobody knows.
    if (fate === 'unknown-made') {
      process.later(arrivesMs * random.between(0.2, 3), `append to ${stream}: unknown`, () => answer(unknown));
    }
    server.appendsUnderWay++;
    server.world.schedule(arrivesMs, `${process.name} append to ${stream} @${expected} arrives`, () => {
      server.appendsUnderWay--;
      const lost = server.epoch !== epoch || (!process.alive && !survivesItsSender);
      const made = lost ? unknown : server.away ? away : settle(() => server.append(stream, events, expected));
      if (fate !== 'answered') return;
      process.later(drawLatencyMs(random, faults), `append to ${stream}: answered`, () =>
        answer(lost || server.epoch === epoch ? made : unknown),
      );
    });
  }

  #assertOpen(): void {
    if (this.#closed) throw new EventStoreError('unavailable', 'the event store is closed');
  }
}

type Settled<Value> = (resolve: (value: Value) => void, reject: (error: unknown) => void) => void;

function settle<Value>(act: () => Value): Settled<Value> {
  try {
    const value = act();
    return (resolve) => resolve(value);
  } catch (error) {
    return (_resolve, reject) => reject(error);
  }
}
