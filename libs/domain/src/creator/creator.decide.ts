import {
  CREATOR_DIAMONDS_MAX,
  type Coins,
  type Decider,
  type Diamonds,
  type GiftId,
  type Instant,
  type Position,
} from '@livegift/kernel';
import type { CreatorEvent, DiamondsCredited } from './creator.events.js';

/** Change it whenever the shape or the meaning of `CreatorState` changes: older snapshots are then dropped. */
export const CREATOR_STATE_VERSION = 1;

export interface RegisterCreator {
  readonly type: 'RegisterCreator';
  readonly creatorId: string;
  readonly occurredAt: Instant;
}

/** What settlement knows of one GiftSent. */
export interface CreditGift {
  readonly type: 'CreditGift';
  readonly creatorId: string;
  readonly giftId: GiftId;
  readonly giftPosition: Position;
  readonly roomId: string;
  readonly coins: Coins;
  readonly diamonds: Diamonds;
  /** Business time of the gift. */
  readonly occurredAt: Instant;
}

export type CreatorCommand = RegisterCreator | CreditGift;

/** Plain JSON. */
export interface CreatorState {
  readonly registered: boolean;
  readonly balance: Diamonds;
  /** Position of the newest gift credited; every event of the stream carries it on as metadata. */
  readonly settledThrough: Position | null;
  /** Revision of the last DiamondsCredited: the next one's `previousOfType`. */
  readonly lastCreditRevision: number | null;
  /** Events so far, so the revision of the next one. */
  readonly nextRevision: number;
}

const initialState: CreatorState = {
  registered: false,
  balance: 0,
  settledThrough: null,
  lastCreditRevision: null,
  nextRevision: 0,
};

/** Refuses nothing: a gift that was sent is credited, whoever the creator is. */
export const creatorDecider: Decider<CreatorState, CreatorCommand, CreatorEvent, never> = {
  initialState,
  decide: decideCreator,
  evolve: evolveCreator,
};

function decideCreator(command: CreatorCommand, state: CreatorState): readonly CreatorEvent[] {
  if (command.type === 'CreditGift') {
    return isSettled(state, command.giftPosition) ? [] : [diamondsCredited(command, state)];
  }
  if (state.registered) return [];
  const { creatorId, occurredAt } = command;
  return [{ type: 'CreatorRegistered', schemaVersion: 1, data: { creatorId, occurredAt } }];
}

/** Gifts are credited in order of position and none is left out, so one position says it of all before it. */
function isSettled(state: CreatorState, giftPosition: Position): boolean {
  return state.settledThrough !== null && giftPosition <= state.settledThrough;
}

function diamondsCredited(command: CreditGift, state: CreatorState): DiamondsCredited {
  const { creatorId, giftId, giftPosition, roomId, coins, diamonds, occurredAt } = command;
  const balance = state.balance + diamonds;
  // Gifts are refused long before; a sum that a number cannot hold must never be written.
  if (balance > CREATOR_DIAMONDS_MAX) throw new RangeError(`creator ${creatorId} would earn more than can be counted`);
  return {
    type: 'DiamondsCredited',
    schemaVersion: 1,
    data: { creatorId, giftId, giftPosition, roomId, coins, diamonds, balance, occurredAt },
  };
}

/** Every event counts a revision, also one of a type that this code does not know. */
function evolveCreator(state: CreatorState, event: CreatorEvent): CreatorState {
  const nextRevision = state.nextRevision + 1;
  switch (event.type) {
    case 'DiamondsCredited':
      return {
        registered: state.registered,
        balance: state.balance + event.data.diamonds,
        settledThrough: event.data.giftPosition,
        lastCreditRevision: state.nextRevision,
        nextRevision,
      };
    case 'CreatorRegistered':
      return { ...state, registered: true, nextRevision };
    default:
      return { ...state, nextRevision };
  }
}
