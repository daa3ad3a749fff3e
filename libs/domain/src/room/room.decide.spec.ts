import { scenarioOf, stateAfter } from '@livegift/testing';
import { isOpen, roomAfter, roomDecider, type OpenRoom, type OpenRoomForHistory } from './room.decide.js';
import type { RoomClosed, RoomOpened } from './room.events.js';

const AT = '2026-03-01T12:00:00.000Z';
const LATER = '2026-03-01T13:00:00.000Z';
const given = scenarioOf(roomDecider);

const openRoom: OpenRoom = {
  type: 'OpenRoom',
  roomId: 'r1',
  creatorId: 'cleo',
  title: 'Songs',
  imported: false,
  occurredAt: AT,
};
const opened: RoomOpened = {
  type: 'RoomOpened',
  schemaVersion: 1,
  data: { roomId: 'r1', creatorId: 'cleo', title: 'Songs', imported: false, occurredAt: AT },
};
const closeRoom = { type: 'CloseRoom', occurredAt: LATER } as const;
const closed: RoomClosed = {
  type: 'RoomClosed',
  schemaVersion: 1,
  data: { roomId: 'r1', creatorId: 'cleo', occurredAt: LATER },
};

describe('opening a room', () => {
  it('opens it', () => given().when(openRoom).then(opened));
  it('accepts the same data again, whenever', () => {
    given(opened)
      .when({ ...openRoom, occurredAt: LATER })
      .then();
  });
  it.each<[string, Partial<OpenRoom>]>([
    ['creator', { creatorId: 'cora' }],
    ['title', { title: 'Dances' }],
    ['title left out', { title: null }],
  ])('refuses another %s', (_what, change) => {
    given(opened)
      .when({ ...openRoom, ...change })
      .thenRefused('room-exists');
  });
  it('does not open a closed room again, not even with the same data', () => {
    given(opened, closed).when(openRoom).thenRefused('room-closed');
    given(opened, closed)
      .when({ ...openRoom, title: null })
      .thenRefused('room-exists');
  });
});

describe('closing a room', () => {
  it('closes it', () => given(opened).when(closeRoom).then(closed));
  it('accepts it again, with nothing to write', () => given(opened, closed).when(closeRoom).then());
  it('needs a room', () => given().when(closeRoom).thenRefused('room-not-found'));
});

describe('a room for history', () => {
  const forHistory: OpenRoomForHistory = {
    type: 'OpenRoomForHistory',
    roomId: 'r1',
    creatorId: 'cleo',
    occurredAt: AT,
  };
  const openedByHistory: RoomOpened = { ...opened, data: { ...opened.data, title: null, imported: true } };

  it('is opened if new, and marked', () => given().when(forHistory).then(openedByHistory));
  it('is closed from its first event', () => {
    const state = stateAfter(roomDecider, [openedByHistory]);
    expect(isOpen(state)).toBe(false);
    expect(state).toMatchObject({ openedAt: AT, closedAt: AT });
    expect(roomAfter(openedByHistory)).toEqual({ creatorId: 'cleo', open: false });
    given(openedByHistory).when(closeRoom).then();
  });
  it('may be open or closed', () => {
    given(opened).when(forHistory).then();
    given(opened, closed).when(forHistory).then();
  });
  it('must be of the same creator', () => {
    given(opened)
      .when({ ...forHistory, creatorId: 'cora' })
      .thenRefused('room-creator-mismatch');
  });
});

it('is open between opening and closing', () => {
  expect(isOpen(roomDecider.initialState)).toBe(false);
  expect(isOpen(stateAfter(roomDecider, [opened]))).toBe(true);
  const state = stateAfter(roomDecider, [opened, closed]);
  expect(isOpen(state)).toBe(false);
  expect(state).toEqual({
    roomId: 'r1',
    creatorId: 'cleo',
    title: 'Songs',
    imported: false,
    openedAt: AT,
    closedAt: LATER,
    nextRevision: 2,
  });
});
