import type { RoomClosed, RoomOpened } from '@livegift/domain';
import type { ReadModelWrite } from '@livegift/read-model';
import type { Recorded } from './recorded.js';

/** A room that history opened was never live: it is closed from its first event, when its first gift happened. */
export function projectRoomOpened({ data, position }: Recorded<RoomOpened>): readonly ReadModelWrite[] {
  const { roomId, creatorId, title, imported, occurredAt } = data;
  const state = imported ? 'closed' : 'open';
  const closedAt = imported ? occurredAt : null;
  return [
    {
      kind: 'row',
      table: 'room',
      id: roomId,
      set: { creatorId, title, state, openedAt: occurredAt, closedAt, imported },
    },
    { kind: 'room-listed', roomId, creatorId, state, openedPosition: position },
  ];
}

export function projectRoomClosed({ data }: Recorded<RoomClosed>): readonly ReadModelWrite[] {
  const { roomId, creatorId, occurredAt } = data;
  return [
    { kind: 'row', table: 'room', id: roomId, set: { state: 'closed', closedAt: occurredAt } },
    { kind: 'room-listed', roomId, creatorId, state: 'closed', openedPosition: null },
  ];
}
