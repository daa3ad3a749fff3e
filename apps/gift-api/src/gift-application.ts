import { StreamCommands } from '@livegift/command-handling';
import {
  ROOM_STATE_VERSION,
  roomConfirmed,
  roomDecider,
  type HistoryClaimed,
  type PaymentClaimed,
} from '@livegift/domain';
import type { EventStore } from '@livegift/event-store';
import type { Clocks, Ids, Scheduler, Telemetry } from '@livegift/kernel';
import { allOfTheWork, SoleWorker, type SharedWork } from '@livegift/lease';
import type { ConsumerReport } from '@livegift/subscriptions';
import { Catalogue } from './catalogue/catalogue.js';
import { Claims } from './claims.js';
import { CreatorEarnings } from './creators/creator-earnings.js';
import { giftApplicationDefaults, type GiftApplicationConfig } from './gift-application.config.js';
import { BulkGifts } from './gifts/bulk-gifts.js';
import { Gifts } from './gifts/gifts.js';
import { HistoryCompletion } from './history/history-completion.js';
import { HistoryRooms } from './history/history-rooms.js';
import { History } from './history/history.js';
import { Finisher } from './purchases/finisher.js';
import { firstWithItsKey, PurchaseCompletion, type ClaimRule } from './purchases/purchase-completion.js';
import { measuredStore } from './measured-store.js';
import { Purchases } from './purchases/purchases.js';
import { NewSubjects, unlimited, type Capacity } from './new-subjects.js';
import { RoomReferences } from './rooms/room-references.js';
import { Rooms, type RoomCommands } from './rooms/rooms.js';
import { answering } from './store-calls.js';
import { createWalletCommands } from './wallets/wallet-commands.js';
import { Wallets } from './wallets/wallets.js';

export interface GiftApplicationParts {
  readonly store: EventStore;
  /** Of one part: whose finisher works. Started and stopped with the application. Default: this one's. */
  readonly finisherWork?: SharedWork;
  /** What the read model may hold. Default: `unlimited`. */
  readonly capacity?: Capacity;
  /** Another one is wrong, and only there to see that it is found out. Default: `firstWithItsKey`. */
  readonly claimRule?: ClaimRule;
  readonly clock: Clocks;
  readonly ids: Ids;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
  readonly config?: Partial<GiftApplicationConfig>;
}

/** All command services of one process, without a trace of Nest. */
export interface GiftApplication {
  readonly wallets: Wallets;
  readonly purchases: Purchases;
  readonly rooms: Rooms;
  readonly gifts: Gifts;
  readonly bulkGifts: BulkGifts;
  readonly history: History;
  readonly catalogue: Catalogue;
  readonly finisher: FinisherState;
  /** Lists the default catalogue if there is none, and starts the finisher. May be called again after it failed. @throws CommandError */
  start(): Promise<void>;
  /** Waits for commands under way; refuses new ones with `unavailable`. */
  stop(): Promise<void>;
}

export interface FinisherState {
  /** Claims that have no coins yet, as far as this process has read; 0 while another one's finisher works. */
  readonly pending: number;
  /** For its `ConsumerWatch`. */
  report(): ConsumerReport;
  stop(): Promise<void>;
}

export function createGiftApplication(parts: GiftApplicationParts): GiftApplication {
  const { clock, ids, scheduler, telemetry } = parts;
  const store = measuredStore(parts.store, clock, telemetry);
  const config = { ...giftApplicationDefaults, ...parts.config };
  const options = {
    conflictRetriesMax: config.conflictRetriesMax,
    batchMax: config.walletBatchMax,
    queueLengthMax: config.queueLengthMax,
    queuedTotalMax: config.queuedTotalMax,
    streamsCachedMax: config.walletsCachedMax,
    keysCachedMax: config.keysCachedMax,
    snapshotEveryEvents: config.snapshotEveryEvents,
  };
  const outside = { store, clock, ids, telemetry, options };
  const commands = createWalletCommands(outside);
  const roomCommands: RoomCommands = new StreamCommands({
    ...outside,
    kind: { decider: roomDecider, stateVersion: ROOM_STATE_VERSION, confirmed: roomConfirmed },
  });
  const references = new RoomReferences(store, clock, config);
  const newSubjects = new NewSubjects(parts.capacity ?? unlimited, clock, telemetry);
  const earnings = new CreatorEarnings(store, clock, config);
  const catalogue = new Catalogue(store, clock, ids, config);
  const rooms = new Rooms(roomCommands, references, newSubjects, store, clock, ids);
  const gifts = new Gifts(commands, references, earnings, catalogue, clock, config);
  const paymentClaims = new Claims<PaymentClaimed>(store, clock, ids, 'PaymentClaimed');
  const claimRule = parts.claimRule ?? firstWithItsKey;
  const purchaseCompletion = new PurchaseCompletion(commands, paymentClaims, store, clock, config, claimRule);
  const purchases = new Purchases(commands, paymentClaims, purchaseCompletion, clock);
  const historyClaims = new Claims<HistoryClaimed>(store, clock, ids, 'HistoryClaimed');
  const completion = new HistoryCompletion(commands, store, config);
  const historyRooms = new HistoryRooms(rooms, references, earnings, historyClaims);
  const history = new History(
    commands,
    historyRooms,
    earnings,
    newSubjects,
    historyClaims,
    completion,
    clock,
    scheduler,
    config,
  );
  const finisherWork = parts.finisherWork ?? allOfTheWork(1);
  const finishing = new SoleWorker(finisherWork, () => {
    const finisher = new Finisher({ store, clock, scheduler, telemetry, purchases, history, options: config });
    finisher.start();
    return finisher;
  });
  return {
    wallets: new Wallets(commands, newSubjects, store, clock),
    purchases,
    rooms,
    gifts,
    bulkGifts: new BulkGifts(commands, gifts, references, earnings, catalogue, scheduler),
    history,
    catalogue,
    finisher: {
      get pending() {
        return finishing.current?.pending ?? 0;
      },
      report: () => finishing.current?.report() ?? { ...NO_FINISHER, activity: finisherActivity(finisherWork) },
      stop: () => finishing.stop(),
    },
    start: async () => {
      await answering(() => catalogue.listDefaults());
      finishing.start();
    },
    stop: async () => {
      await finishing.stop();
      await Promise.all([commands.stop(), roomCommands.stop()]);
    },
  };
}

const NO_FINISHER = { position: null, recordedAtMs: null, failing: null } as const;

const finisherActivity = (work: SharedWork): 'starting' | 'standing-by' =>
  work.isAgreed() && !work.parts().has(0) ? 'standing-by' : 'starting';
