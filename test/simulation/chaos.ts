import type {
  SeededRandom,
  SimulatedLeaseServer,
  SimulatedReadModelServer,
  SimulatedStoreServer,
  VirtualWorld,
} from '@livegift/testing';
import type { Node } from './node.js';
import type { RoomClient } from './room-clients.js';

interface Targets {
  readonly world: VirtualWorld;
  readonly server: SimulatedStoreServer;
  readonly readModel: SimulatedReadModelServer | null;
  readonly leases: SimulatedLeaseServer | null;
  readonly nodes: readonly Node[];
  readonly roomClients: readonly RoomClient[];
  readonly embedded: boolean;
}

const CLOCK_STEP_MS_MAX = 4 * 3_600_000;

/** Disturbs the run again and again until it is told to stop: any process may die between any two steps. */
export class Chaos {
  readonly #random: SeededRandom;
  #over = false;
  #restarts = 0;

  constructor(
    private readonly targets: Targets,
    private readonly everyMs: number,
  ) {
    this.#random = targets.world.random.fork();
  }

  /** Processes that are being started again. */
  get quiet(): boolean {
    return this.#restarts === 0;
  }

  begin(): void {
    this.targets.world.schedule(this.#random.between(0, 2 * this.everyMs), 'chaos', () => {
      if (this.#over) return;
      this.#disturb();
      this.begin();
    });
  }

  end(): void {
    this.#over = true;
  }

  #disturb(): void {
    const { server, nodes, embedded, readModel, leases, roomClients } = this.targets;
    const random = this.#random;
    const node = random.pick(nodes);
    switch (
      random.weighted({
        crash: 50,
        restart: 12,
        away: 10,
        storeCrash: embedded ? 0 : 10,
        readModel: 14,
        leases: embedded ? 0 : 10,
        screen: 8,
        clock: 8,
      })
    ) {
      case 'crash':
        return this.#crash(node, random.chance(0.3) ? 0 : random.between(0, 1_500));
      case 'restart':
        return this.#restart(node);
      case 'away':
        return server.goAway(random.between(5, 800));
      case 'storeCrash':
        server.crash();
        return server.goAway(random.between(1, 300));
      case 'readModel':
        if (readModel !== null) this.#disturbReadModel(readModel);
        return;
      case 'leases':
        if (leases !== null) this.#disturbLeases(leases);
        return;
      case 'screen':
        if (roomClients.length > 0) random.pick(roomClients).breakOff();
        return;
      case 'clock':
        return this.#stepClock(node);
    }
  }

  /** One master of several, or all of it: falls back to a replica, or comes back empty. */
  #disturbReadModel(readModel: SimulatedReadModelServer): void {
    const random = this.#random;
    const all = Array.from({ length: readModel.inner.partitionCount }, (_, partition) => partition);
    const some = new Set(random.chance(0.3) ? all : all.filter(() => random.chance(0.4)));
    this.targets.world.trace.add(`read model fails over in ${[...some].join(' ')}`);
    void (random.chance(0.3) ? readModel.comeBackEmpty(some) : readModel.fallBack(random.int(1, 8), some));
  }

  #disturbLeases(leases: SimulatedLeaseServer): void {
    const random = this.#random;
    switch (random.weighted({ away: 40, forget: 20, jump: 40 })) {
      case 'away':
        return leases.goAway(random.between(5, 4_000));
      case 'forget':
        return leases.forgetAll();
      case 'jump':
        return leases.jump(random.between(-5_000, 15_000));
    }
  }

  /** As an operator or a time service sets it, far enough that a duration measured by it would never end. */
  #stepClock({ process }: Node): void {
    const stepMs = this.#random.int(-CLOCK_STEP_MS_MAX, CLOCK_STEP_MS_MAX);
    this.targets.world.trace.add(`${process.name} has its wall clock set by ${stepMs} ms`);
    process.stepWallClock(stepMs);
  }

  #crash(node: Node, downMs: number): void {
    if (!node.running) return;
    node.crash();
    // The embedded store dies with its process: what was not on disk is gone.
    if (this.targets.embedded || this.#random.chance(0.2)) this.targets.server.crash();
    this.#restarts++;
    this.targets.world.schedule(downMs, `${node.name} starts again`, () => {
      this.#restarts--;
      node.start();
    });
  }

  /** Drained and started again; killed when draining takes too long. */
  #restart(node: Node): void {
    if (!node.running) return;
    this.#restarts++;
    const again = (): void => {
      kill.cancel();
      this.#restarts--;
      node.start();
    };
    const kill = this.targets.world.schedule(2_000, `${node.name} took too long to drain`, () => {
      node.crash();
      again();
    });
    void node.stop().then(again);
  }
}
