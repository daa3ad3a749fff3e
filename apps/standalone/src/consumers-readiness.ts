import type { EventReader } from '@livegift/event-store';
import type { FanOut } from '@livegift/fanout';
import type { Clocks, Scheduler, Telemetry } from '@livegift/kernel';
import type { ReadinessPart } from '@livegift/process';
import type { Projector } from '@livegift/projector/projector.module';
import type { Publisher } from '@livegift/publisher/publisher.module';
import { placeInFanOut, type RoomGateway } from '@livegift/room-gateway/room-gateway.module';
import type { Settlement } from '@livegift/settlement/settlement.module';
import { ConsumerWatch, type ConsumerReport } from '@livegift/subscriptions';

export interface ConsumersReadinessParts {
  readonly store: EventReader;
  readonly fanOut: FanOut;
  /** Without them no command can be written. */
  readonly writing: readonly ReadinessPart[];
  readonly stallMsMax: number;
  readonly clock: Clocks;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
}

/** Known once Nest has made them. */
export interface StartedConsumers {
  readonly settlement: Settlement;
  readonly projector: Projector;
  readonly publisher: Publisher;
  readonly gateway: RoomGateway;
}

const NOT_STARTED: ConsumerReport = { activity: 'starting', position: null, recordedAtMs: null, failing: null };

/**
 * What the engine's readiness says about its consumers. It becomes ready when each has caught up once. Later a consumer that
 * stalls is shown, logged and counted, and the engine stays ready: it is the only process that takes commands.
 */
export class ConsumersReadiness {
  readonly parts: readonly ReadinessPart[];
  readonly #watches: readonly ConsumerWatch[];
  #consumers: StartedConsumers | null = null;

  constructor({ store, fanOut, writing, ...outside }: ConsumersReadinessParts) {
    const ofTheLog = { source: 'event-store', head: () => store.head(), isOptional: true, ...outside };
    const endOfFanOut = async () => placeInFanOut(await fanOut.end());
    const watch = (name: string, of: (consumers: StartedConsumers) => ConsumerReport, source = {}): ConsumerWatch =>
      new ConsumerWatch({
        name,
        report: () => (this.#consumers === null ? NOT_STARTED : of(this.#consumers)),
        ...ofTheLog,
        ...source,
      });
    this.#watches = [
      watch('settlement', ({ settlement }) => settlement.report()),
      watch('projector', ({ projector }) => projector.report()),
      watch('publisher', ({ publisher }) => publisher.report()),
      watch('room-feed', ({ gateway }) => gateway.report(), { source: 'fan-out', head: endOfFanOut }),
    ];
    const once = (
      name: string,
      isCaughtUp: (consumers: StartedConsumers) => boolean,
      reason: string,
    ): ReadinessPart => ({
      name,
      isReady: () => this.#consumers !== null && isCaughtUp(this.#consumers),
      reason: () => reason,
    });
    this.parts = [
      ...writing,
      once('read-model', ({ projector }) => projector.state().ready, 'is being built from the log'),
      once(
        'published',
        ({ publisher }) => publisher.state().caughtUp,
        'has not published everything that is in the log',
      ),
      once('admission', ({ gateway }) => gateway.state().ready, 'rooms are not filled from the log yet'),
      ...this.#watches,
    ];
  }

  start(consumers: StartedConsumers): void {
    this.#consumers = consumers;
    for (const watch of this.#watches) watch.start();
  }

  stop(): void {
    for (const watch of this.#watches) watch.stop();
  }
}
