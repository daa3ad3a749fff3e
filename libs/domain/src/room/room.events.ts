import type { DomainEvent, Instant } from '@livegift/kernel';

export type RoomOpened = DomainEvent<
  'RoomOpened',
  {
    readonly roomId: string;
    readonly creatorId: string;
    readonly title: string | null;
    /** True when imported history opened it. */
    readonly imported: boolean;
    readonly occurredAt: Instant;
  }
>;

export type RoomClosed = DomainEvent<
  'RoomClosed',
  { readonly roomId: string; readonly creatorId: string; readonly occurredAt: Instant }
>;

export type RoomEvent = RoomOpened | RoomClosed;

export const roomStream = (roomId: string): string => `room-${roomId}`;
