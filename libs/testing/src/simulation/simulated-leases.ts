import { LeaseError, type LeaseReading, type Leases } from '@livegift/lease';
import { InMemoryLeaseService } from '../lease/in-memory-leases.js';
import type { SimulatedProcess } from './simulated-process.js';
import { drawLatencyMs, NO_STORE_FAULTS, type StoreFaults } from './store-faults.js';
import type { VirtualWorld } from './virtual-world.js';

/** The lease service's own side: it may go away, forget everything, and its clock may jump. */
export class SimulatedLeaseServer {
  faults: StoreFaults = NO_STORE_FAULTS;
  readonly service: InMemoryLeaseService;
  #aheadMs = 0;
  #awayUntilMs = 0;

  constructor(private readonly world: VirtualWorld) {
    this.service = new InMemoryLeaseService({ now: () => Math.floor(world.nowMs + this.#aheadMs) });
  }

  get away(): boolean {
    return this.world.nowMs < this.#awayUntilMs;
  }

  goAway(forMs: number): void {
    this.world.trace.add(`leases are away for ${forMs.toFixed(0)} ms`);
    this.#awayUntilMs = this.world.nowMs + forMs;
  }

  /** As in a failover to a machine whose clock is off: leases end at once, or too late. */
  jump(byMs: number): void {
    this.world.trace.add(`the clock of the leases jumps by ${byMs.toFixed(0)} ms`);
    this.#aheadMs += byMs;
  }

  forgetAll(): void {
    this.world.trace.add('leases are forgotten');
    this.service.forgetAll();
  }

  calm(): void {
    this.faults = NO_STORE_FAULTS;
    this.#awayUntilMs = 0;
  }
}

/** One process's handle on the lease service. Every call ends; one that fails may have been carried out. */
export class SimulatedLeases implements Leases {
  constructor(
    private readonly server: SimulatedLeaseServer,
    private readonly process: SimulatedProcess,
  ) {}

  read(group: string): Promise<LeaseReading> {
    return this.#ask(`reads the leases of ${group}`, () => this.server.service.read(group));
  }

  replace(group: string, expected: string | null, document: string, keepMs: number): Promise<boolean> {
    return this.#ask(`renews a lease of ${group}`, () =>
      this.server.service.replace(group, expected, document, keepMs),
    );
  }

  async close(): Promise<void> {}

  #ask<Answer>(what: string, act: () => Answer): Promise<Answer> {
    const { process, server } = this;
    const { random, world } = process;
    const fails = random.chance(server.faults.unavailable);
    const unknown = random.chance(server.faults.outcomeUnknown);
    return process.awaits<Answer>((resolve, reject) => {
      const later = (settle: () => void): void =>
        process.later(drawLatencyMs(random, server.faults), `${what}: answered`, settle);
      const refuse = (): void => later(() => reject(new LeaseError('unavailable', 'the simulated leases are away')));
      // Sent before its process died, it may arrive all the same.
      world.schedule(drawLatencyMs(random, server.faults), `${process.name} ${what}`, () => {
        if (!process.alive && random.chance(0.5)) return;
        if (fails || server.away) return refuse();
        const answer = act();
        if (unknown) refuse();
        else later(() => resolve(answer));
      });
    });
  }
}
