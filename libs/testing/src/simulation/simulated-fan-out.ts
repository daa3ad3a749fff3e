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
  /** Of each source partition, everything that was committed, in order: what a consumer from the beginning would see. */
  readonly committed: readonly RoomMessage[][];
  /** How a publisher is opened; a spec plants a wrong way here. */
  readonly openRule: OpenRule;
}

/** `fence-then-read` as the port says; the other way round, what others publish between the two is published again. */
export type OpenRule = 'fence-then-read' | 'read-then-fence';

export function fanOutServer(inner: FanOut, openRule: OpenRule = 'fence-then-read'): FanOutServer {
  const partitions = Array.from({ length: inner.sourcePartitionCount });
  return {
    inner,
    faults: NO_STORE_FAULTS,
    underWay: 0,
    committed: partitions.map(() => []),
    openRule,
  };
}

/** One process's handle on a fan-out, with delays and failures both ways. */
export class SimulatedFanOut implements FanOut {
  readonly sourcePartitionCount: number;
  /** What this process published last. */
  readonly #known: (Checkpoint | undefined)[] = [];

  constructor(
    private readonly server: FanOutServer,
    private readonly process: SimulatedProcess,
  ) {
    this.sourcePartitionCount = server.inner.sourcePartitionCount;
  }

  async openPublisher(sourcePartition: number): Promise<FanOutPublisher> {
    const inner = await this.#ask('opens a publisher', () => this.server.inner.openPublisher(sourcePartition));
    return {
      checkpoint: this.#readBefore(sourcePartition) ?? inner.checkpoint,
      publish: (messages, checkpoint) => this.#publish(inner, sourcePartition, messages, checkpoint),
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
      reached: () => inner.reached(),
      close: () => inner.close(),
    };
  }

  end(): Promise<number> {
    return this.#ask('asks for the end of the fan-out', () => this.server.inner.end());
  }

  async close(): Promise<void> {}

  /** The planted fault: it was right when it was read. */
  #readBefore(sourcePartition: number): Checkpoint | undefined {
    return this.server.openRule === 'read-then-fence' ? this.#known[sourcePartition] : undefined;
  }

  /** A publish may be committed although its answer says that nobody knows, and after its sender has died. */
  #publish(
    inner: FanOutPublisher,
    sourcePartition: number,
    messages: readonly RoomMessage[],
    checkpoint: Checkpoint,
  ): Promise<void> {
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
          () => {
            server.committed[sourcePartition]!.push(...messages);
            this.#known[sourcePartition] = checkpoint;
            answer(unknown ? noAnswer : resolve);
          },
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
