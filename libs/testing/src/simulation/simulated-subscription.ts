import { EventStoreError, type Subscription, type SubscriptionBatch } from '@livegift/event-store';
import type { LogCursor } from '../event-store/in-memory-log.js';
import type { SimulatedProcess } from './simulated-process.js';
import type { SimulatedStoreServer } from './simulated-store-server.js';
import { drawLatencyMs } from './store-faults.js';

/** A subscription whose batches take their time, are cut short and break off, by the server's faults. */
export class SimulatedSubscription implements Subscription {
  #closed = false;
  #broken = false;
  #end: (() => void) | null = null;

  constructor(
    private readonly server: SimulatedStoreServer,
    private readonly process: SimulatedProcess,
    private readonly cursor: LogCursor,
  ) {}

  next(): Promise<SubscriptionBatch | null> {
    const { server, process } = this;
    return process.awaits<SubscriptionBatch | null>((resolve, reject) => {
      if (this.#end !== null) return reject(new Error('one call of next at a time'));
      let over = false;
      const finish = (settle: () => void): void => {
        if (over) return;
        over = true;
        this.#end = null;
        settle();
      };
      this.#end = () => finish(() => resolve(null));
      const breakOff = (): void => {
        this.#broken = true;
        process.later(drawLatencyMs(server.random, server.faults), 'subscription breaks', () =>
          finish(() => reject(new EventStoreError('unavailable', 'the subscription broke off'))),
        );
      };
      if (this.#closed) return this.#end();
      if (this.#broken || server.random.chance(server.faults.subscriptionBreaks)) return breakOff();
      const { epoch } = server;
      server.onNextCrash(() => {
        if (!over && process.alive) breakOff();
      });
      const look = (): void => {
        process.later(drawLatencyMs(server.random, server.faults), 'subscription looks', () => {
          if (over || this.#broken) return;
          if (server.away || server.epoch !== epoch) return breakOff();
          const batch = server.log.nextBatch(this.cursor, this.#batchSize());
          if (batch === null) return server.onNextAppend(look);
          process.later(
            drawLatencyMs(server.random, server.faults),
            `subscription batch of ${batch.events.length}`,
            () => finish(() => resolve(batch)),
          );
        });
      };
      look();
    });
  }

  close(): void {
    this.#closed = true;
    this.#end?.();
  }

  #batchSize(): number {
    const { random, faults } = this.server;
    return random.chance(faults.shortBatches) ? random.int(1, 4) : this.cursor.batchEventsMax;
  }
}
