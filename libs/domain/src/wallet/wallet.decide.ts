import {
  COMMAND_COINS_MAX,
  CREATOR_LIMIT_DIAMONDS,
  diamondsFor,
  idAtRevision,
  WALLET_COINS_MAX,
  type Coins,
  type Decider,
  type GiftId,
  type PurchaseId,
  type Refused,
} from '@livegift/kernel';
import { streakAfter } from './streaks.js';
import type {
  ChangeViewerDetails,
  ImportGift,
  OpenWallet,
  Purchase,
  PurchaseCoins,
  SendGift,
  WalletCommand,
} from './wallet.commands.js';
import type { CoinsPurchased, GiftSent, WalletConfirmed, WalletEvent } from './wallet.events.js';
import { evolveWallet, indexOfStreak, walletInitialState, type WalletState } from './wallet.state.js';

/** The outside contract's order: of several violations the first one here is the answer. */
export const SEND_GIFT_REFUSALS = [
  'wallet-not-found',
  'room-not-found',
  'room-closed',
  'gift-unknown',
  'amount-limit',
  'creator-limit',
  'age-not-assured',
  'wallet-frozen',
  'cannot-gift-self',
  'balance-too-low',
] as const;
export const PURCHASE_REFUSALS = ['wallet-not-found', 'age-not-assured', 'balance-limit'] as const;

export type WalletRefusal = (typeof SEND_GIFT_REFUSALS)[number] | (typeof PURCHASE_REFUSALS)[number] | 'wallet-exists';

/** The gift that imported coins are sent as. */
export const IMPORTED_GIFT = 'cheer';
export const IMPORT_PROVIDER = 'import';
/** The region of a viewer of whom nothing is known. */
export const REGION_UNKNOWN = 'ZZ';

type Decision = readonly WalletEvent[] | Refused<WalletRefusal>;

export type WalletDecider = Decider<WalletState, WalletCommand, WalletEvent, WalletRefusal>;

/** @param generation of the history that the ids of new gifts and purchases name; null before any restore */
export function walletDeciderOf(generation: string | null): WalletDecider {
  return {
    initialState: walletInitialState,
    decide: (command, state) => decideWallet(command, state, generation),
    evolve: evolveWallet,
  };
}

export const walletDecider = walletDeciderOf(null);

function decideWallet(command: WalletCommand, state: WalletState, generation: string | null): Decision {
  switch (command.type) {
    case 'SendGift':
      return sendGift(command, state, generation);
    case 'OpenWallet':
      return openWallet(command, state);
    case 'ChangeViewerDetails':
      return changeViewerDetails(command, state);
    case 'PurchaseCoins':
      return purchaseCoins(command, state, generation);
    case 'CompletePurchase':
      return state.opened ? [coinsPurchased(command, state, generation)] : { refused: 'wallet-not-found' };
    case 'ImportGift':
      return importGift(command, state, generation);
  }
}

function openWallet(command: OpenWallet, state: WalletState): Decision {
  const { viewerId, region, ageAssured, imported, occurredAt } = command;
  if (state.opened) {
    const same = state.region === region && state.ageAssured === ageAssured;
    return same ? [] : { refused: 'wallet-exists' };
  }
  return [{ type: 'WalletOpened', schemaVersion: 1, data: { viewerId, region, ageAssured, imported, occurredAt } }];
}

function changeViewerDetails(command: ChangeViewerDetails, state: WalletState): Decision {
  const { region, ageAssured, occurredAt } = command;
  if (!state.opened) return { refused: 'wallet-not-found' };
  if (state.region === region && state.ageAssured === ageAssured) return [];
  const data = { viewerId: state.viewerId, region, ageAssured, occurredAt };
  return [{ type: 'ViewerDetailsChanged', schemaVersion: 1, data }];
}

/** For a command that had nothing to do. */
export function walletConfirmed({ occurredAt }: WalletCommand, state: WalletState): WalletConfirmed {
  const { viewerId, region, ageAssured, coins } = state;
  const data = { viewerId, region, ageAssured, balance: coins, occurredAt };
  return { type: 'WalletConfirmed', schemaVersion: 1, data };
}

function purchaseCoins(command: PurchaseCoins, state: WalletState, generation: string | null): Decision {
  if (!state.opened) return { refused: 'wallet-not-found' };
  if (!state.ageAssured) return { refused: 'age-not-assured' };
  if (state.coins + command.coins > WALLET_COINS_MAX) return { refused: 'balance-limit' };
  return [coinsPurchased(command, state, generation)];
}

function coinsPurchased(purchase: Purchase, state: WalletState, generation: string | null): CoinsPurchased {
  const { coins, price, provider, paymentId, occurredAt } = purchase;
  return {
    type: 'CoinsPurchased',
    schemaVersion: 1,
    data: {
      purchaseId: idAtRevision<PurchaseId>(state.viewerId, state.nextRevision, generation),
      viewerId: state.viewerId,
      coins,
      price: { amountMinor: price.amountMinor, currency: price.currency },
      provider,
      paymentId,
      balance: state.coins + coins,
      occurredAt,
    },
  };
}

/** The checks stand in the order of `SEND_GIFT_REFUSALS`. */
function sendGift(command: SendGift, state: WalletState, generation: string | null): Decision {
  const { room, priceCoins } = command;
  if (!state.opened) return { refused: 'wallet-not-found' };
  if (room === null) return { refused: 'room-not-found' };
  if (!room.open) return { refused: 'room-closed' };
  if (priceCoins === null) return { refused: 'gift-unknown' };
  const coins = priceCoins * command.quantity;
  if (coins > COMMAND_COINS_MAX) return { refused: 'amount-limit' };
  if (command.creatorDiamonds >= CREATOR_LIMIT_DIAMONDS) return { refused: 'creator-limit' };
  if (!state.ageAssured) return { refused: 'age-not-assured' };
  if (state.frozen) return { refused: 'wallet-frozen' };
  if (room.creatorId === state.viewerId) return { refused: 'cannot-gift-self' };
  if (state.coins < coins) {
    return { refused: 'balance-too-low', details: { balance: state.coins, required: coins } };
  }
  const giftId = idAtRevision<GiftId>(state.viewerId, state.nextRevision, generation);
  return [giftSent(command, state, giftId, room.creatorId, priceCoins, coins)];
}

function giftSent(
  command: SendGift,
  state: WalletState,
  giftId: GiftId,
  creatorId: string,
  priceCoins: Coins,
  coins: Coins,
): GiftSent {
  const { roomId, gift, quantity, occurredAt, creatorShareBps } = command;
  const last = state.streaks[indexOfStreak(state.streaks, roomId, gift)];
  return {
    type: 'GiftSent',
    schemaVersion: 1,
    data: {
      giftId,
      roomId,
      creatorId,
      viewerId: state.viewerId,
      gift,
      quantity,
      priceCoins,
      coins,
      creatorShareBps,
      diamonds: diamondsFor(coins, creatorShareBps),
      streak: streakAfter(last, giftId, quantity, coins, occurredAt, command.streakWindowMs),
      message: command.message,
      sender: command.sender,
      balance: state.coins - coins,
      imported: false,
      importId: null,
      occurredAt,
    },
  };
}

function importGift(command: ImportGift, state: WalletState, generation: string | null): Decision {
  const { importId, viewerId, roomId, creatorId, coins, creatorShareBps, occurredAt } = command;
  const events: WalletEvent[] = [];
  if (!state.opened) {
    const data = { viewerId, region: REGION_UNKNOWN, ageAssured: false, imported: true, occurredAt };
    events.push({ type: 'WalletOpened', schemaVersion: 1, data });
  }
  const purchaseRevision = state.nextRevision + events.length;
  events.push({
    type: 'CoinsPurchased',
    schemaVersion: 1,
    data: {
      purchaseId: idAtRevision<PurchaseId>(viewerId, purchaseRevision, generation),
      viewerId,
      coins,
      price: null,
      provider: IMPORT_PROVIDER,
      paymentId: importId,
      balance: state.coins + coins,
      occurredAt,
    },
  });
  events.push({
    type: 'GiftSent',
    schemaVersion: 1,
    data: {
      giftId: idAtRevision<GiftId>(viewerId, purchaseRevision + 1, generation),
      roomId,
      creatorId,
      viewerId,
      gift: IMPORTED_GIFT,
      quantity: coins,
      priceCoins: 1,
      coins,
      creatorShareBps,
      diamonds: diamondsFor(coins, creatorShareBps),
      streak: null,
      message: null,
      sender: null,
      balance: state.coins,
      imported: true,
      importId,
      occurredAt,
    },
  });
  return events;
}
