import type {
  CatalogueEvent,
  ClaimEvent,
  CreatorEvent,
  PaymentReleased,
  RoomEvent,
  WalletEvent,
} from '@livegift/domain';
import type { StoreRestored } from '@livegift/event-store';

type LoggedEvent =
  CatalogueEvent | ClaimEvent | CreatorEvent | PaymentReleased | RoomEvent | StoreRestored | WalletEvent;

/** A type that is forgotten, or that no event has, does not compile. */
const TYPES: Readonly<Record<LoggedEvent['type'], true>> = {
  CoinsPurchased: true,
  CreatorRegistered: true,
  DiamondsCredited: true,
  GiftListed: true,
  GiftRepriced: true,
  GiftRetired: true,
  GiftSent: true,
  HistoryClaimed: true,
  PaymentClaimed: true,
  PaymentReleased: true,
  RoomClosed: true,
  RoomConfirmed: true,
  RoomOpened: true,
  StoreRestored: true,
  ViewerDetailsChanged: true,
  WalletConfirmed: true,
  WalletOpened: true,
};

/** Every type of event that the log can hold. */
export const EVENT_TYPES: readonly string[] = Object.keys(TYPES);

export const isEventType = (text: string): boolean => Object.hasOwn(TYPES, text);
