import { GetBoardHandler } from './board.queries.js';
import { GetCreatorHandler, ListCreatorGiftsHandler } from './creator.queries.js';
import { GetGiftHandler, ListCatalogueGiftsHandler } from './gift.queries.js';
import { ReadLogHandler } from './log.queries.js';
import { GetRoomHandler, ListRoomGiftsHandler, ListRoomsHandler } from './room.queries.js';
import { GetWalletHandler, ListWalletGiftsHandler, ListWalletPurchasesHandler } from './wallet.queries.js';

/** For the module's `providers`. */
export const queryHandlers = [
  GetWalletHandler,
  ListWalletGiftsHandler,
  ListWalletPurchasesHandler,
  GetCreatorHandler,
  ListCreatorGiftsHandler,
  GetRoomHandler,
  ListRoomsHandler,
  ListRoomGiftsHandler,
  GetGiftHandler,
  ListCatalogueGiftsHandler,
  GetBoardHandler,
  ReadLogHandler,
];
