import {
  SeededRandom,
  PartitionedReadModel,
  SimulatedLeaseServer,
  SimulatedReadModelServer,
  SimulatedStoreServer,
  NaiveLedger,
  Trace,
  VirtualWorld,
  WorldStuck,
  fanOutServer,
  LOG_BOUNDS_DEFAULT,
} from '@livegift/testing';
import { Analyst } from './analyst.js';
import { auditCommands } from './audit-commands.js';
import { auditFanOut } from './audit-fan-out.js';
import { auditReadModels } from './audit-read-model.js';
import { Chaos } from './chaos.js';
import { whatIsMissing } from './liveness.js';
import { LogIndex } from './log-index.js';
import { newFanOut, newReadModel, Node, type Servers } from './node.js';
import type { Parts } from './parts.js';
import { PayoutDesk } from './payout-desk.js';
import { Platform } from './platform.js';
import type { EventStore } from '@livegift/event-store';
import type { ReadModel } from '@livegift/read-model';
import { auditRoomClient, RoomClient } from './room-clients.js';
import type { Scenario } from './scenario.js';
import { Workload } from './workload.js';

/** Just before the end of a Sunday that ends a month, so that every window turns. */
const START_MS = Date.UTC(2026, 4, 31, 23, 59, 55);
const CHAOS_MS_MAX = 120_000;
const LIVENESS_MS_MAX = 180_000;
const STEPS_MAX = 400_000;
const LOOK_EVERY_MS = 100;

/** One run of a scenario: everything in it, and how it goes on. */
export class Simulation {
  readonly world: VirtualWorld;
  readonly server: SimulatedStoreServer;
  readonly #servers: Servers;
  readonly #nodes: readonly Node[];
  readonly #platform: Platform;
  readonly #workload: Workload;
  readonly #screens: readonly RoomClient[];
  readonly #analyst: Analyst;
  readonly #payoutDesk: PayoutDesk | null;
  #missing: readonly string[] = [];

  constructor(
    random: SeededRandom,
    private readonly scenario: Scenario,
    parts: Parts,
    traceLines: number | undefined,
  ) {
    const { embedded, bounds, faults, sharedReadModel } = scenario;
    this.world = new VirtualWorld(random, START_MS, setImmediate, new Trace(traceLines));
    const { world } = this;
    this.server = new SimulatedStoreServer(world, random.uuid(), {
      ...LOG_BOUNDS_DEFAULT,
      appendEventsMax: bounds.appendEventsMax,
    });
    const clock = { now: () => Math.floor(world.nowMs), elapsedMs: () => world.nowMs };
    const scheduler = { after: (delayMs: number, task: () => void) => world.schedule(delayMs, 'server timer', task) };
    const fanOut = embedded ? null : fanOutServer(newFanOut(clock), parts.openRule);
    const readModel = sharedReadModel
      ? new SimulatedReadModelServer(() => {
          const partitions = Array.from({ length: scenario.readModelPartitions });
          return new PartitionedReadModel(partitions.map(() => newReadModel({ clock, scheduler })));
        }, parts.applyRule)
      : null;
    const leases = scenario.leases === null ? null : new SimulatedLeaseServer(world);
    this.server.faults = faults;
    if (fanOut !== null) fanOut.faults = faults;
    if (readModel !== null) readModel.faults = faults;
    if (leases !== null) leases.faults = faults;
    this.#servers = { world, store: this.server, fanOut, readModel, leases };
    this.#nodes = scenario.nodes.map((plan) => new Node(plan, this.#servers, scenario, parts));
    this.#platform = new Platform(world, this.server, () => this.#doors(), bounds.patienceMs);
    this.#workload = new Workload(world, this.#platform, scenario.workload);
    this.#screens = Array.from({ length: scenario.roomClients }, (_, index) => {
      const room = `room-${1 + (index % scenario.workload.rooms)}`;
      return new RoomClient(`screen-${index + 1}`, room, world, this.server, () => this.#gateways());
    });
    this.#analyst = new Analyst(world, this.server, this.#platform, () => this.#models());
    const creators = ['creator-1', 'creator-2'];
    this.#payoutDesk = scenario.payouts ? new PayoutDesk(world, creators, () => this.#anyStore()) : null;
  }

  async run(): Promise<string[]> {
    const { world } = this;
    for (const node of this.#nodes) node.start();
    for (const screen of this.#screens) screen.begin();
    this.#workload.begin();
    this.#analyst.begin();
    this.#payoutDesk?.begin();
    try {
      await this.#disturbed();
      if (this.#isBad) return [...this.#platform.findings, ...this.#analyst.findings];
      this.#calm();
      await world.run(
        this.#everySoOften(() => this.#lively()),
        { untilMs: world.nowMs + LIVENESS_MS_MAX, stepsMax: STEPS_MAX },
      );
    } catch (error) {
      if (!(error instanceof WorldStuck)) throw error;
      return [...this.#platform.findings, `does not come to an end: ${error.message}: ${this.#missing.join('; ')}`];
    }
    return this.#audit();
  }

  /** Something was wrong the moment it was answered: the rest would only be noise. */
  get #isBad(): boolean {
    return this.#platform.findings.length > 0 || this.#analyst.findings.length > 0;
  }

  /** Faults and disturbances, until the workload is done or has had its time. */
  async #disturbed(): Promise<void> {
    const { world, scenario } = this;
    const { disturbanceEveryMs, embedded } = scenario;
    const until = world.nowMs + scenario.workload.overMs + CHAOS_MS_MAX / 10;
    const targets = {
      world,
      server: this.server,
      readModel: this.#servers.readModel,
      leases: this.#servers.leases,
      nodes: this.#nodes,
      roomClients: this.#screens,
      embedded,
    };
    const chaos = new Chaos(targets, disturbanceEveryMs ?? 0);
    if (disturbanceEveryMs !== null) chaos.begin();
    const limits = { untilMs: world.nowMs + CHAOS_MS_MAX, stepsMax: STEPS_MAX };
    await world.run(() => this.#workload.over || world.nowMs > until || this.#isBad, limits);
    chaos.end();
    this.#payoutDesk?.end();
    await world.run(() => chaos.quiet || this.#isBad, limits);
  }

  /** No faults from here on; a process that waits for an answer that was lost is started again, as its operator would. */
  #calm(): void {
    const { fanOut, readModel, leases } = this.#servers;
    this.world.trace.add('calm');
    leases?.calm();
    this.server.calm();
    if (fanOut !== null) fanOut.faults = this.server.faults;
    if (readModel !== null) readModel.faults = this.server.faults;
    for (const node of this.#nodes) {
      if (node.store.unanswered === 0) continue;
      node.crash();
      if (this.scenario.embedded) this.server.crash();
      node.start();
    }
    // Without leases two publishers fence each other for ever. Until here both did, without harm.
    if (leases !== null) return;
    const publishers = this.#nodes.flatMap(({ publisher }) => (publisher === null ? [] : [publisher]));
    for (const publisher of publishers.slice(1)) void publisher.stop();
  }

  /** Looks only now and then: looking costs. */
  #everySoOften(look: () => boolean): () => boolean {
    let nextMs = 0;
    const keepLooking = (): void => void this.world.schedule(LOOK_EVERY_MS, 'a look', keepLooking);
    keepLooking();
    return () => {
      if (this.world.nowMs < nextMs) return false;
      nextMs = this.world.nowMs + LOOK_EVERY_MS;
      return look();
    };
  }

  /** Everything has come right; what has not is kept, to be told. */
  #lively(): boolean {
    if (this.#isBad) return true;
    this.#missing = [
      ...(this.#workload.over ? [] : ['the workload is not over']),
      ...whatIsMissing(this.#servers, this.#platform, this.#nodes, this.#screens),
    ];
    return this.#missing.length === 0;
  }

  async #audit(): Promise<string[]> {
    const index = new LogIndex(this.server.log.events, this.server.durableAtMs);
    const ledger = new NaiveLedger();
    for (const event of index.log) ledger.applyEvent(event);
    const models = this.#nodes.flatMap(({ name, readModel }) => (readModel === null ? [] : [{ name, readModel }]));
    return [
      ...ledger.findings(),
      ...this.#analyst.findings,
      ...index.findings(),
      ...auditCommands(this.#platform, index, this.scenario.bounds),
      ...this.#screens.flatMap((screen) => auditRoomClient(screen, this.server.log.events)),
      ...auditFanOut(this.#servers.fanOut, this.server.log.events),
      ...(await auditReadModels(models, index)),
    ];
  }

  #models(): ReadModel[] {
    return this.#nodes.flatMap(({ running, readModel }) => (running && readModel !== null ? [readModel] : []));
  }

  #anyStore(): EventStore | null {
    return this.#nodes.find(({ running }) => running)?.store ?? null;
  }

  #doors() {
    return this.#nodes.flatMap(({ running, process, application }) =>
      running && application !== null ? [{ process, application }] : [],
    );
  }

  #gateways() {
    return this.#nodes.flatMap((node) => {
      const { running, process, gateway } = node;
      const isStillIt = (): boolean => node.running && node.process === process;
      return running && gateway !== null ? [{ process, gateway, running: isStillIt }] : [];
    });
  }
}
