import type { EventStore } from '@livegift/event-store';
import { HistorySpelling, type Clocks, type Ids, type Scheduler } from '@livegift/kernel';
import type { ProcessTelemetry } from '@livegift/observability';
import type { ReadinessPart } from '@livegift/process';
import type { SharedWork } from '@livegift/lease';
import type { ReadModel } from '@livegift/read-model';
import { ConsumerWatch } from '@livegift/subscriptions';
import {
  Inject,
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
  type Provider,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { CqrsModule } from '@nestjs/cqrs';
import type { FastifyInstance } from 'fastify';
import { Catalogue } from './catalogue/catalogue.js';
import { commandHandlers } from './command-handlers.js';
import type { FinisherState, GiftApplication } from './gift-application.js';
import type { GiftApplicationConfig } from './gift-application.config.js';
import { BulkGifts } from './gifts/bulk-gifts.js';
import { Gifts } from './gifts/gifts.js';
import { History } from './history/history.js';
import { BulkController } from './http/bulk.controller.js';
import { CreatorQueriesController } from './http/creator-queries.controller.js';
import { GiftQueriesController } from './http/gift-queries.controller.js';
import { HealthController } from './http/health.controller.js';
import { speakOfHistory } from './http/history-edge.js';
import { LeaderboardsController } from './http/leaderboards.controller.js';
import { LogController } from './http/log.controller.js';
import { ApiDocument } from './http/openapi/api-document.js';
import { DocsController } from './http/openapi/docs.controller.js';
import { RoomQueriesController } from './http/room-queries.controller.js';
import { RoomsController } from './http/rooms.controller.js';
import { STREAM_LIMITS, type StreamLimits } from './http/streams.js';
import { WalletQueriesController } from './http/wallet-queries.controller.js';
import { WalletsController } from './http/wallets.controller.js';
import type { Capacity } from './new-subjects.js';
import { Purchases } from './purchases/purchases.js';
import { BoardStreams } from './queries/board-streams.js';
import { BoardReads } from './queries/board.queries.js';
import { CreatorReads } from './queries/creator.queries.js';
import { LogReads } from './queries/log.queries.js';
import { queryHandlers } from './queries/query-handlers.js';
import { ReadYourWrites } from './queries/read-your-writes.js';
import { Receipts } from './queries/receipts.js';
import { RoomReads } from './queries/room.queries.js';
import { WalletReads } from './queries/wallet.queries.js';
import { Rooms } from './rooms/rooms.js';
import { StartedGiftApplication } from './started-gift-application.js';
import { CLOCK, HTTP_LIMITS, READINESS, STREAM_LIMITS_TOKEN, TELEMETRY, HISTORY_SPELLING } from './tokens.js';
import { Wallets } from './wallets/wallets.js';

export { configureHttp, createHttpAdapter, HttpDraining, type HttpServerOptions } from './http/http-server.js';

const STALL_MS_MAX = 15_000;

export interface GiftApiConfig {
  readonly boardUtcOffset: string;
  readonly bulkLinesMax: number;
  readonly commands?: Partial<GiftApplicationConfig>;
  readonly streams?: Partial<StreamLimits>;
}

export interface GiftApiParts {
  readonly store: EventStore;
  /** See `GiftApplicationParts`. */
  readonly finisherWork?: SharedWork;
  readonly readModel: ReadModel;
  /** See `GiftApplicationParts`. */
  readonly capacity?: Capacity;
  readonly clock: Clocks;
  readonly ids: Ids;
  readonly scheduler: Scheduler;
  readonly telemetry: ProcessTelemetry;
  readonly config: GiftApiConfig;
  /** Without progress for this long the finisher counts as stalled. Default 15,000. */
  readonly consumerStallMsMax?: number;
  /** What else must be ready before this process takes requests. */
  readonly readiness?: readonly ReadinessPart[];
}

/** The only door for commands, and the queries. */
@Module({})
export class GiftApiModule
  implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown
{
  constructor(
    @Inject(StartedGiftApplication) private readonly application: StartedGiftApplication,
    private readonly boardStreams: BoardStreams,
    private readonly finisherWatch: ConsumerWatch,
    private readonly adapterHost: HttpAdapterHost,
    @Inject(HISTORY_SPELLING) private readonly spelling: HistorySpelling,
  ) {}

  static register(parts: GiftApiParts): DynamicModule {
    const application = new StartedGiftApplication({ ...parts, config: parts.config.commands });
    const finisher = finisherWatch(parts, application.services.finisher);
    return {
      module: GiftApiModule,
      imports: [CqrsModule.forRoot()],
      controllers: [
        WalletsController,
        RoomsController,
        BulkController,
        WalletQueriesController,
        CreatorQueriesController,
        RoomQueriesController,
        GiftQueriesController,
        LeaderboardsController,
        LogController,
        HealthController,
        DocsController,
      ],
      providers: [
        { provide: StartedGiftApplication, useValue: application },
        ...commandProviders(application.services),
        ...commandHandlers,
        ...queryProviders(parts),
        ...queryHandlers,
        { provide: ApiDocument, useValue: new ApiDocument() },
        { provide: HISTORY_SPELLING, useValue: new HistorySpelling(parts.store.storeId) },
        { provide: CLOCK, useValue: parts.clock },
        { provide: TELEMETRY, useValue: parts.telemetry },
        { provide: HTTP_LIMITS, useValue: { bulkLinesMax: parts.config.bulkLinesMax } },
        { provide: STREAM_LIMITS_TOKEN, useValue: { ...STREAM_LIMITS, ...parts.config.streams } },
        { provide: ConsumerWatch, useValue: finisher },
        { provide: READINESS, useValue: [application, ...(parts.readiness ?? []), finisher] },
      ],
    };
  }

  onModuleInit(): void {
    speakOfHistory(this.adapterHost.httpAdapter.getInstance<FastifyInstance>(), this.spelling);
  }

  onApplicationBootstrap(): void {
    this.application.start();
    this.finisherWatch.start();
  }

  beforeApplicationShutdown(): void {
    this.finisherWatch.stop();
    this.boardStreams.close();
  }

  /** By now the HTTP server has answered what it had begun. */
  onApplicationShutdown(): Promise<void> {
    return this.application.stop();
  }
}

function commandProviders(services: GiftApplication): Provider[] {
  return [
    { provide: Wallets, useValue: services.wallets },
    { provide: Purchases, useValue: services.purchases },
    { provide: Rooms, useValue: services.rooms },
    { provide: Gifts, useValue: services.gifts },
    { provide: BulkGifts, useValue: services.bulkGifts },
    { provide: History, useValue: services.history },
    { provide: Catalogue, useValue: services.catalogue },
  ];
}

function queryProviders({ store, readModel, clock, scheduler, telemetry, config }: GiftApiParts): Provider[] {
  const readYourWrites = new ReadYourWrites(store, readModel, clock, scheduler);
  const receipts = new Receipts(store);
  const boards = new BoardReads(readModel, readYourWrites, clock, config.boardUtcOffset);
  return [
    { provide: ReadYourWrites, useValue: readYourWrites },
    { provide: Receipts, useValue: receipts },
    { provide: WalletReads, useValue: new WalletReads(store, readModel, readYourWrites) },
    { provide: CreatorReads, useValue: new CreatorReads(store, readModel, readYourWrites, receipts) },
    { provide: RoomReads, useValue: new RoomReads(readModel, readYourWrites, receipts) },
    { provide: BoardReads, useValue: boards },
    {
      provide: BoardStreams,
      useValue: new BoardStreams({ boards, readModel, head: () => store.head(), clock, scheduler, telemetry }),
    },
    { provide: LogReads, useValue: new LogReads(store, readYourWrites, telemetry) },
  ];
}

/** Commands and queries need no finisher: one that stalls is shown and counted. */
function finisherWatch(parts: GiftApiParts, finisher: FinisherState): ConsumerWatch {
  const { store, clock, scheduler, telemetry, consumerStallMsMax = STALL_MS_MAX } = parts;
  return new ConsumerWatch({
    name: 'finisher',
    source: 'event-store',
    report: () => finisher.report(),
    head: () => store.head(),
    stallMsMax: consumerStallMsMax,
    clock,
    scheduler,
    telemetry,
    isOptional: true,
  });
}
