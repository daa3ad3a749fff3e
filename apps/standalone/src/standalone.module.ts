import type { Environment } from '@livegift/config';
import type { EventStore } from '@livegift/event-store';
import type { FanOut } from '@livegift/fanout';
import { GiftApiModule } from '@livegift/gift-api/gift-api.module';
import { allOfTheWork } from '@livegift/lease';
import type { ProcessTelemetry } from '@livegift/observability';
import { systemClock, systemIds, systemScheduler, type ReadinessPart } from '@livegift/process';
import { Projector, ProjectorModule } from '@livegift/projector/projector.module';
import { Publisher, PUBLISHER_DEFAULTS, PublisherModule } from '@livegift/publisher/publisher.module';
import type { ReadModel } from '@livegift/read-model';
import { ROOM_GATEWAY_DEFAULTS, RoomGateway, RoomGatewayModule } from '@livegift/room-gateway/room-gateway.module';
import { SettlementModule } from '@livegift/settlement/settlement.module';
import { Inject, Module, type DynamicModule } from '@nestjs/common';

export interface StandaloneParts {
  readonly store: EventStore;
  readonly readModel: ReadModel;
  readonly fanOut: FanOut;
  readonly telemetry: ProcessTelemetry;
  readonly environment: Environment;
  /** Whether the event store takes appends. */
  readonly appends: ReadinessPart;
}

/** What readiness asks; the parts are known once Nest has made them. */
class ConsumersReadiness {
  projector: Projector | null = null;
  gateway: RoomGateway | null = null;

  constructor(
    private readonly publisher: Publisher,
    private readonly appends: ReadinessPart,
  ) {}

  readonly parts: readonly ReadinessPart[] = [
    this.appends,
    { name: 'read-model', isReady: () => this.projector?.state().ready ?? false },
    { name: 'publisher', isReady: () => this.publisher.state().caughtUp },
    { name: 'room-feed', isReady: () => this.gateway?.state().ready ?? false },
  ];
}

/** All apps in one process, over one set of ports. */
@Module({})
export class StandaloneModule {
  constructor(
    @Inject(ConsumersReadiness) readiness: ConsumersReadiness,
    @Inject(Projector) projector: Projector,
    @Inject(RoomGateway) gateway: RoomGateway,
  ) {
    readiness.projector = projector;
    readiness.gateway = gateway;
  }

  static register({ store, readModel, fanOut, telemetry, environment, appends }: StandaloneParts): DynamicModule {
    const { streakWindowMs, creatorShareBps, boardUtcOffset, bulkLinesMax } = environment;
    const outside = { clock: systemClock, ids: systemIds, scheduler: systemScheduler, telemetry };
    const work = allOfTheWork(fanOut.sourcePartitionCount);
    const publisher = new Publisher({ events: store, fanOut, work, ...outside, config: PUBLISHER_DEFAULTS });
    // Started here, because the gateway counts as history what was published once this has caught up.
    publisher.start();
    const readiness = new ConsumersReadiness(publisher, appends);
    const feed = { ...ROOM_GATEWAY_DEFAULTS.feed, streakWindowMs };
    return {
      module: StandaloneModule,
      imports: [
        GiftApiModule.register({
          store,
          readModel,
          ...outside,
          config: { boardUtcOffset, bulkLinesMax, commands: { streakWindowMs, creatorShareBps } },
          readiness: readiness.parts,
        }),
        SettlementModule.register({ store, ...outside }),
        ProjectorModule.register({ store, readModel, ...outside }),
        PublisherModule.of(publisher),
        RoomGatewayModule.register({
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
