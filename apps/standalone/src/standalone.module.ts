import type { Environment } from '@livegift/config';
import type { EventStore } from '@livegift/event-store';
import type { FanOut } from '@livegift/fanout';
import { GiftApiModule } from '@livegift/gift-api/gift-api.module';
import type { Clocks } from '@livegift/kernel';
import { allOfTheWork } from '@livegift/lease';
import type { ProcessTelemetry } from '@livegift/observability';
import { systemIds, systemScheduler, type ReadinessPart, type OriginPolicy } from '@livegift/process';
import { Projector, ProjectorModule } from '@livegift/projector/projector.module';
import { Publisher, PUBLISHER_DEFAULTS, PublisherModule } from '@livegift/publisher/publisher.module';
import type { ReadModelInMemory } from '@livegift/read-model-memory';
import { ROOM_GATEWAY_DEFAULTS, RoomGateway, RoomGatewayModule } from '@livegift/room-gateway/room-gateway.module';
import { Settlement, SettlementModule } from '@livegift/settlement/settlement.module';
import {
  Inject,
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { ConsumersReadiness } from './consumers-readiness.js';

export interface StandaloneParts {
  readonly store: EventStore;
  readonly readModel: ReadModelInMemory;
  readonly fanOut: FanOut;
  readonly telemetry: ProcessTelemetry;
  readonly environment: Environment;
  readonly origins: OriginPolicy;
  readonly clock: Clocks;
  /** Without them no command can be written. */
  readonly writing: readonly ReadinessPart[];
}

/** All apps in one process, over one set of ports. */
@Module({})
export class StandaloneModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(
    @Inject(ConsumersReadiness) private readonly readiness: ConsumersReadiness,
    @Inject(Settlement) private readonly settlement: Settlement,
    @Inject(Projector) private readonly projector: Projector,
    @Inject(Publisher) private readonly publisher: Publisher,
    @Inject(RoomGateway) private readonly gateway: RoomGateway,
  ) {}

  onApplicationBootstrap(): void {
    const { settlement, projector, publisher, gateway } = this;
    this.readiness.start({ settlement, projector, publisher, gateway });
  }

  beforeApplicationShutdown(): void {
    this.readiness.stop();
  }

  static register({
    store,
    readModel,
    fanOut,
    clock,
    telemetry,
    environment,
    origins,
    writing,
  }: StandaloneParts): DynamicModule {
    const { streakWindowMs, creatorShareBps, boardUtcOffset, bulkLinesMax } = environment;
    const outside = { clock, ids: systemIds, scheduler: systemScheduler, telemetry };
    const work = allOfTheWork(fanOut.sourcePartitionCount);
    const publisher = new Publisher({ events: store, fanOut, work, ...outside, config: PUBLISHER_DEFAULTS });
    // Started here, because the gateway counts as history what was published once this has caught up.
    publisher.start();
    const stallMsMax = environment.consumerStallMsMax;
    const readiness = new ConsumersReadiness({ store, fanOut, writing, stallMsMax, ...outside });
    const feed = { ...ROOM_GATEWAY_DEFAULTS.feed, streakWindowMs };
    return {
      module: StandaloneModule,
      imports: [
        GiftApiModule.register({
          store,
          readModel,
          capacity: { max: environment.readModelSubjectsMax, held: () => readModel.subjectCount },
          ...outside,
          consumerStallMsMax: stallMsMax,
          config: { boardUtcOffset, bulkLinesMax, commands: { streakWindowMs, creatorShareBps } },
          readiness: readiness.parts,
        }),
        SettlementModule.register({ store, ...outside }),
        ProjectorModule.register({ store, readModel, ...outside }),
        PublisherModule.of(publisher),
        RoomGatewayModule.register({
          origins,
          fanOut,
          readModel,
          storeId: store.storeId,
          startsAfter: publisher.caughtUp(),
          ...outside,
          config: { ...ROOM_GATEWAY_DEFAULTS, feed },
        }),
      ],
      providers: [{ provide: ConsumersReadiness, useValue: readiness }],
    };
  }
}
