import type { Clock, Ids, Scheduler, Telemetry } from '@livegift/kernel';
import type { EventStore } from '@livegift/event-store';
import type { GiftApplicationConfig } from './gift-application.config.js';
import { Catalogue } from './catalogue/catalogue.js';
import { BulkGifts } from './gifts/bulk-gifts.js';
import { Gifts } from './gifts/gifts.js';
import { History } from './history/history.js';
import { Purchases } from './purchases/purchases.js';
import { Rooms } from './rooms/rooms.js';
import { Wallets } from './wallets/wallets.js';

export interface GiftApplicationParts {
  readonly store: EventStore;
  readonly clock: Clock;
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
  /** Lists the default catalogue if there is none, and starts the finisher. */
  start(): Promise<void>;
  /** Waits for commands under way; refuses new ones with `unavailable`. */
  stop(): Promise<void>;
}

export function createGiftApplication(_parts: GiftApplicationParts): GiftApplication {
  return {
    wallets: new Wallets(),
    purchases: new Purchases(),
    rooms: new Rooms(),
    gifts: new Gifts(),
    bulkGifts: new BulkGifts(),
    history: new History(),
    catalogue: new Catalogue(),
    start: async () => {},
    stop: async () => {},
  };
}
