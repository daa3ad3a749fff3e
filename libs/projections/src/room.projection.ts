import type { RoomClosed, RoomOpened } from '@livegift/domain';
import type { ReadModelWrite } from '@livegift/read-model';
import type { Recorded } from './recorded.js';

export function projectRoomOpened({ data, position }: Recorded<RoomOpened>): readonly ReadModelWrite[] {
  const { roomId, creatorId, title, occurredAt } = data;
  return [
    {
      kind: 'row',
      table: 'room',
      id: roomId,
      set: { creatorId, title, state: 'open', openedAt: occurredAt, closedAt: null },
    },
    { kind: 'room-listed', roomId, creatorId, state: 'open', openedPosition: position },
  ];
}

export function projectRoomClosed({ data }: Recorded<RoomClosed>): readonly ReadModelWrite[] {
  const { roomId, creatorId, occurredAt } = data;
  return [
    { kind: 'row', table: 'room', id: roomId, set: { state: 'closed', closedAt: occurredAt } },
    { kind: 'room-listed', roomId, creatorId, state: 'closed', openedPosition: null },
  ];
}
