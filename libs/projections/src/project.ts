import type { RecordedEvent } from '@livegift/kernel';
import type { ReadModelWrite } from '@livegift/read-model';
import { projectCreatorRegistered, projectDiamondsCredited } from './creator.projection.js';
import { projectGiftSent } from './gift.projection.js';
import { projectRoomClosed, projectRoomOpened } from './room.projection.js';
import { projectCoinsPurchased, projectViewerDetailsChanged, projectWalletOpened } from './wallet.projection.js';

type Projection = (event: never) => readonly ReadModelWrite[];

const PROJECTIONS = new Map<string, Projection>([
  ['WalletOpened', projectWalletOpened],
  ['ViewerDetailsChanged', projectViewerDetailsChanged],
  ['CoinsPurchased', projectCoinsPurchased],
  ['GiftSent', projectGiftSent],
  ['CreatorRegistered', projectCreatorRegistered],
  ['DiamondsCredited', projectDiamondsCredited],
  ['RoomOpened', projectRoomOpened],
  ['RoomClosed', projectRoomClosed],
]);

/** Types that the read model is made of; others change nothing in it. */
export const PROJECTED_TYPES: readonly string[] = [...PROJECTIONS.keys()];

/** Raise it with any change of what an event changes in the read model: what was folded before is then folded anew. */
export const PROJECTIONS_VERSION = 4;

/** What one event changes in the read model; nothing for a type that it is not made of. */
export function project(event: RecordedEvent): readonly ReadModelWrite[] {
  const projection = PROJECTIONS.get(event.type);
  return projection === undefined ? [] : projection(event as never);
}
