import { SendGiftHandler } from './gifts/send-gift.handler.js';
import { SendGiftsInBulkHandler } from './gifts/send-gifts-in-bulk.handler.js';
import { ImportHistoryHandler } from './history/import-history.handler.js';
import { PurchaseCoinsHandler } from './purchases/purchase-coins.handler.js';
import { CloseRoomHandler } from './rooms/close-room.handler.js';
import { OpenRoomHandler } from './rooms/open-room.handler.js';
import { ChangeViewerDetailsHandler } from './wallets/change-viewer-details.handler.js';
import { OpenWalletHandler } from './wallets/open-wallet.handler.js';

/** For the module's `providers`; they want Wallets, Purchases, Rooms, Gifts, BulkGifts and History, by class. */
export const commandHandlers = [
  OpenWalletHandler,
  ChangeViewerDetailsHandler,
  PurchaseCoinsHandler,
  OpenRoomHandler,
  CloseRoomHandler,
  SendGiftHandler,
  SendGiftsInBulkHandler,
  ImportHistoryHandler,
];
