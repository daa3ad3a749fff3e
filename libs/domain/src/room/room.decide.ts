import type { Decider, Instant, Refused } from '@livegift/kernel';
import type { RoomConfirmed, RoomEvent } from './room.events.js';

/** Change it whenever the shape or the meaning of `RoomState` changes: older snapshots are then dropped. */
export const ROOM_STATE_VERSION = 2;

export interface OpenRoom {
  readonly type: 'OpenRoom';
  readonly roomId: string;
  readonly creatorId: string;
  readonly title: string | null;
  readonly imported: boolean;
  readonly occurredAt: Instant;
}

/**
 * A line of imported history needs its room. A new one was never live: it is closed from its first event. Whether an
 * existing one is open makes no difference.
 */
export interface OpenRoomForHistory {
  readonly type: 'OpenRoomForHistory';
  readonly roomId: string;
  readonly creatorId: string;
  readonly occurredAt: Instant;
}

export interface CloseRoom {
  readonly type: 'CloseRoom';
  readonly occurredAt: Instant;
}

export type RoomCommand = OpenRoom | OpenRoomForHistory | CloseRoom;
export type RoomRefusal = 'room-exists' | 'room-closed' | 'room-not-found' | 'room-creator-mismatch';

/** Plain JSON. A room that does not exist has `openedAt: null`. */
export interface RoomState {
  readonly roomId: string;
  readonly creatorId: string;
  readonly title: string | null;
  readonly imported: boolean;
  readonly openedAt: Instant | null;
  readonly closedAt: Instant | null;
  /** Events so far. */
  readonly nextRevision: number;
}

const initialState: RoomState = {
  roomId: '',
  creatorId: '',
  title: null,
  imported: false,
  openedAt: null,
  closedAt: null,
  nextRevision: 0,
};

export const roomDecider: Decider<RoomState, RoomCommand, RoomEvent, RoomRefusal> = {
  initialState,
  decide: decideRoom,
  evolve: evolveRoom,
};

export function isOpen(room: RoomState): boolean {
  return room.openedAt !== null && room.closedAt === null;
}

function decideRoom(command: RoomCommand, state: RoomState): readonly RoomEvent[] | Refused<RoomRefusal> {
  switch (command.type) {
    case 'OpenRoom':
      return openRoom(command, state);
    case 'OpenRoomForHistory':
      if (state.openedAt === null) return [roomOpened({ ...command, title: null, imported: true })];
      return state.creatorId === command.creatorId ? [] : { refused: 'room-creator-mismatch' };
    case 'CloseRoom':
      return closeRoom(command, state);
  }
}

/** A room is one broadcast: once closed it does not open again, not even with the same data. */
function openRoom(command: OpenRoom, state: RoomState): readonly RoomEvent[] | Refused<RoomRefusal> {
  if (state.openedAt === null) return [roomOpened(command)];
  const same = state.creatorId === command.creatorId && state.title === command.title;
  if (!same) return { refused: 'room-exists' };
  return state.closedAt === null ? [] : { refused: 'room-closed' };
}

function roomOpened(facts: Omit<OpenRoom, 'type'>): RoomEvent {
  const { roomId, creatorId, title, imported, occurredAt } = facts;
  return { type: 'RoomOpened', schemaVersion: 1, data: { roomId, creatorId, title, imported, occurredAt } };
}

function closeRoom(command: CloseRoom, state: RoomState): readonly RoomEvent[] | Refused<RoomRefusal> {
  if (state.openedAt === null) return { refused: 'room-not-found' };
  if (state.closedAt !== null) return [];
  const { roomId, creatorId } = state;
  return [{ type: 'RoomClosed', schemaVersion: 1, data: { roomId, creatorId, occurredAt: command.occurredAt } }];
}

/** For a command that had nothing to do, so the room was opened before. */
export function roomConfirmed({ occurredAt }: RoomCommand, state: RoomState): RoomConfirmed {
  const { roomId, creatorId, title, closedAt } = state;
  const data = { roomId, creatorId, title, openedAt: state.openedAt!, closedAt, occurredAt };
  return { type: 'RoomConfirmed', schemaVersion: 1, data };
}

/** Whose it was and whether it was open after this event of its stream; null for a type that does not say. */
export function roomAfter(event: RoomEvent): { readonly creatorId: string; readonly open: boolean } | null {
  switch (event.type) {
    case 'RoomOpened':
      return { creatorId: event.data.creatorId, open: !event.data.imported };
    case 'RoomClosed':
      return { creatorId: event.data.creatorId, open: false };
    case 'RoomConfirmed':
      return { creatorId: event.data.creatorId, open: event.data.closedAt === null };
    default:
      return null;
  }
}

function evolveRoom(state: RoomState, event: RoomEvent): RoomState {
  const nextRevision = state.nextRevision + 1;
  switch (event.type) {
    case 'RoomOpened': {
      const { roomId, creatorId, title, imported, occurredAt } = event.data;
      const closedAt = imported ? occurredAt : null;
      return { roomId, creatorId, title, imported, openedAt: occurredAt, closedAt, nextRevision };
    }
    case 'RoomClosed':
      return { ...state, closedAt: event.data.occurredAt, nextRevision };
    default:
      return { ...state, nextRevision };
  }
}
