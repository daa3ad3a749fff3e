import type { Checkpoint } from '@livegift/kernel';
import {
  FanOutError,
  type FanOut,
  type FanOutDelivery,
  type FanOutPublisher,
  type FanOutSubscription,
  type RoomMessage,
} from '@livegift/fanout';
import type { SimulatedProcess } from './simulated-process.js';
import { drawLatencyMs, NO_STORE_FAULTS, type StoreFaults } from './store-faults.js';

/** A fan-out that outlives the processes around it: the real one, and how its network behaves today. */
export interface FanOutServer {
  readonly inner: FanOut;
  faults: StoreFaults;
  /** Publishes that were sent and may still be committed. */
  underWay: number;
}

export function fanOutServer(inner: FanOut): FanOutServer {
  return { inner, faults: NO_STORE_FAULTS, underWay: 0 };
}

/** One process's handle on a fan-out, with delays and failures both ways. */
export class SimulatedFanOut implements FanOut {
  readonly sourcePartitionCount: number;

  constructor(
    private readonly server: FanOutServer,
    private readonly process: SimulatedProcess,
  ) {
    this.sourcePartitionCount = server.inner.sourcePartitionCount;
  }

  async openPublisher(sourcePartition: number): Promise<FanOutPublisher> {
    const inner = await this.#ask('opens a publisher', () => this.server.inner.openPublisher(sourcePartition));
    return {
      checkpoint: inner.checkpoint,
      publish: (messages, checkpoint) => this.#publish(inner, messages, checkpoint),
      close: () => inner.close(),
    };
  }

  async subscribe(options: { readonly backMs: number }): Promise<FanOutSubscription> {
    const inner = await this.#ask('subscribes to the fan-out', () => this.server.inner.subscribe(options));
    let broken = false;
    return {
      next: async () => {
        if (!broken && this.process.random.chance(this.server.faults.subscriptionBreaks)) broken = true;
        if (broken) return this.#ask<FanOutDelivery | null>('fan-out breaks off', away);
        const delivery = await this.process.awaits<FanOutDelivery | null>((resolve, reject) => {
          inner.next().then(resolve, reject);
        });
        return this.#ask('takes a delivery', async () => delivery, false);
      },
      close: () => inner.close(),
    };
  }

  async close(): Promise<void> {}

  /** A publish may be committed although its answer says that nobody knows, and after its sender has died. */
  #publish(inner: FanOutPublisher, messages: readonly RoomMessage[], checkpoint: Checkpoint): Promise<void> {
    const { server, process } = this;
    const { faults } = server;
    const { random, world } = process;
    const unknown = random.chance(faults.outcomeUnknown);
    const lost = unknown && random.chance(0.4);
    return process.awaits<void>((resolve, reject) => {
      const answer = (settle: () => void): void =>
        process.later(drawLatencyMs(random, faults), 'publish: answered', settle);
      const noAnswer = (): void => reject(new FanOutError('unavailable', 'no answer came'));
      server.underWay++;
      world.schedule(drawLatencyMs(random, faults), `${process.name} publishes ${messages.length}`, () => {
        server.underWay--;
        if (lost || (!process.alive && random.chance(0.5))) return answer(noAnswer);
        inner.publish(messages, checkpoint).then(
          () => answer(unknown ? noAnswer : resolve),
          (error: unknown) => answer(() => reject(error)),
        );
      });
    });
  }

  #ask<Answer>(what: string, act: () => Promise<Answer>, mayFail = true): Promise<Answer> {
    const { process, server } = this;
    const { random } = process;
    const fails = mayFail && random.chance(server.faults.unavailable);
    return process.awaits<Answer>((resolve, reject) => {
      process.later(drawLatencyMs(random, server.faults), what, () => {
        (fails ? away() : act()).then(resolve, reject);
      });
    });
  }
}

function away(): Promise<never> {
  return Promise.reject(new FanOutError('unavailable', 'the simulated fan-out is away'));
}
