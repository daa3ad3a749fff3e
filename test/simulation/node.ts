import { allOfTheWork, shareWork, type SharedWork } from '@livegift/lease';
import { createMemoryFanOut } from '@livegift/fanout-memory';
import { createGiftApplication, type GiftApplication } from '@livegift/gift-api/gift-application';
import { Projector } from '@livegift/projector/projector';
import { PUBLISHER_DEFAULTS } from '@livegift/publisher/publisher.config';
import { Publisher } from '@livegift/publisher/publisher';
import { createMemoryReadModel } from '@livegift/read-model-memory';
import { Settlement } from '@livegift/settlement/settlement';
import type { EventStore } from '@livegift/event-store';
import type { FanOut } from '@livegift/fanout';
import type { ReadModel } from '@livegift/read-model';
import {
  SimulatedEventStore,
  SimulatedFanOut,
  SimulatedLeases,
  SimulatedProcess,
  SimulatedReadModel,
  type FanOutServer,
  type SimulatedLeaseServer,
  type SimulatedReadModelServer,
  type SimulatedStoreServer,
  type VirtualWorld,
} from '@livegift/testing';
import type { NodePlan, Role, Scenario } from './scenario.js';
import { SimulatedGateway } from './simulated-gateway.js';
import { SOUND_PARTS, type Parts } from './parts.js';

/** What is outside of every process. */
export interface Servers {
  readonly world: VirtualWorld;
  readonly store: SimulatedStoreServer;
  /** Null: each process has its own, in memory. */
  readonly fanOut: FanOutServer | null;
  readonly readModel: SimulatedReadModelServer | null;
  /** Null: nobody shares. */
  readonly leases: SimulatedLeaseServer | null;
}

const QUICK = { backOffMs: 20, backOffMsMax: 200, fencedWaitMs: 2_000 };

/** One process that can be started, drained, and killed; each start makes everything in it anew. */
export class Node {
  readonly name: string;
  process: SimulatedProcess;
  store: SimulatedEventStore;
  application: GiftApplication | null = null;
  settlement: Settlement | null = null;
  projector: Projector | null = null;
  publisher: Publisher | null = null;
  gateway: SimulatedGateway | null = null;
  readModel: ReadModel | null = null;
  running = false;
  #starts = 0;

  constructor(
    private readonly plan: NodePlan,
    private readonly servers: Servers,
    private readonly scenario: Scenario,
    private readonly parts: Parts = SOUND_PARTS,
  ) {
    this.name = plan.name;
    this.process = this.#newProcess();
    this.store = new SimulatedEventStore(servers.store, this.process);
  }

  start(): void {
    const { world, store: server } = this.servers;
    this.process = this.#newProcess();
    world.trace.add(`${this.process.name} starts`);
    this.store = new SimulatedEventStore(server, this.process);
    const store = this.parts.store(this.store, this.process);
    const fanOut = this.#fanOut();
    if (this.#has('api')) this.#startApplication(store);
    if (this.#has('settlement')) this.#startSettlement(store);
    if (this.#has('projector')) this.#startProjector(store);
    if (this.#has('publisher')) this.#startPublisher(store, fanOut);
    if (this.#has('gateway')) {
      const { windowGiftsMax } = this.scenario.bounds;
      this.gateway = new SimulatedGateway(this.process, fanOut, store.storeId, { windowGiftsMax });
      this.gateway.start();
    }
    this.running = true;
  }

  /** Everything that it waits for never comes. */
  crash(): void {
    this.servers.world.trace.add(`${this.process.name} crashes`);
    this.running = false;
    this.process.crash();
  }

  /** SIGTERM: nothing new is taken, what is under way is finished. */
  async stop(): Promise<void> {
    const { process } = this;
    this.servers.world.trace.add(`${process.name} drains`);
    this.running = false;
    await this.application?.stop();
    await Promise.all([this.gateway?.stop(), this.settlement?.stop(), this.projector?.stop(), this.publisher?.stop()]);
    await this.store.close();
    process.crash();
  }

  #has(role: Role): boolean {
    return this.plan.roles.includes(role);
  }

  #newProcess(): SimulatedProcess {
    this.#starts++;
    return new SimulatedProcess(this.servers.world, `${this.plan.name}/${this.#starts}`, this.plan.clockSkewMs);
  }

  /** Its share of what all processes do together, or everything. */
  #work(group: string, partCount: number): SharedWork {
    const { leases: server } = this.servers;
    const { leases: options } = this.scenario;
    if (server === null || options === null) return allOfTheWork(partCount);
    const { clock, scheduler, telemetry, name: holder } = this.process;
    const leases = new SimulatedLeases(server, this.process);
    return shareWork({ leases, group, partCount, holder, clock, scheduler, telemetry, options });
  }

  #fanOut(): FanOut {
    const { fanOut } = this.servers;
    if (fanOut !== null) return new SimulatedFanOut(fanOut, this.process);
    return newFanOut(this.process.clock);
  }

  #startApplication(store: EventStore): void {
    const { clock, ids, scheduler, telemetry } = this.process;
    const { bounds } = this.scenario;
    const finisherWork = this.#work('purchase-finisher', 1);
    const application = createGiftApplication({
      store,
      finisherWork,
      claimRule: this.parts.claimRule,
      clock,
      ids,
      scheduler,
      telemetry,
      config: bounds,
    });
    this.application = null;
    const begin = async (): Promise<void> => {
      for (;;) {
        try {
          await application.start();
          break;
        } catch (error) {
          telemetry.warn(`cannot start: ${String(error)}`);
          await new Promise<void>((resolve) => scheduler.after(50, resolve));
        }
      }
      this.application = application;
    };
    void begin();
  }

  #startSettlement(store: EventStore): void {
    const { clock, ids, scheduler, telemetry } = this.process;
    const { bounds } = this.scenario;
    const work = this.#work('settlement', 1);
    this.settlement = this.parts.settlement({ store, work, clock, ids, scheduler, telemetry, bounds });
    this.settlement.start();
  }

  #startProjector(store: EventStore): void {
    const { clock, scheduler, telemetry } = this.process;
    const { readModel } = this.servers;
    this.readModel = readModel === null ? newReadModel(this.process) : new SimulatedReadModel(readModel, this.process);
    const { partitionCount } = this.readModel;
    this.projector = this.parts.projector({
      store,
      work: readModel === null ? allOfTheWork(partitionCount) : this.#work('projector', partitionCount),
      readModel: this.readModel,
      clock,
      scheduler,
      telemetry,
      bounds: this.scenario.bounds,
    });
    this.projector.start();
  }

  #startPublisher(store: EventStore, fanOut: FanOut): void {
    const { clock, scheduler, telemetry } = this.process;
    const { batchEventsMax } = this.scenario.bounds;
    const config = { ...PUBLISHER_DEFAULTS, ...QUICK, batchEventsMax };
    const work = this.#work('publisher', fanOut.sourcePartitionCount);
    this.publisher = new Publisher({ events: store, fanOut, work, clock, scheduler, telemetry, config });
    this.publisher.start();
  }
}

export function newFanOut(clock: SimulatedProcess['clock']): FanOut {
  return createMemoryFanOut({ clock, retainMs: 3_600_000, retainMessagesMax: 100_000, sourcePartitionCount: 3 });
}

export function newReadModel({ clock, scheduler }: Pick<SimulatedProcess, 'clock' | 'scheduler'>): ReadModel {
  return createMemoryReadModel({ clock, scheduler, yieldToLoop: () => Promise.resolve() });
}
