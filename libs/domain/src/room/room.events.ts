import type { DomainEvent, Instant } from '@livegift/kernel';

export type RoomOpened = DomainEvent<
  'RoomOpened',
  {
    readonly roomId: string;
    readonly creatorId: string;
    readonly title: string | null;
    /** True when imported history opened it: such a room was never live and is closed from this event on. */
    readonly imported: boolean;
    readonly occurredAt: Instant;
  }
>;

export type RoomClosed = DomainEvent<
  'RoomClosed',
  { readonly roomId: string; readonly creatorId: string; readonly occurredAt: Instant }
>;

/** A command asked for what was so already. Changes nothing; stands for its idempotency key. */
export type RoomConfirmed = DomainEvent<
  'RoomConfirmed',
  {
    readonly roomId: string;
    readonly creatorId: string;
    readonly title: string | null;
    readonly openedAt: Instant;
    /** Null while it was open. */
    readonly closedAt: Instant | null;
    readonly occurredAt: Instant;
  }
>;

export type RoomEvent = RoomOpened | RoomClosed | RoomConfirmed;

export const roomStream = (roomId: string): string => `room-${roomId}`;
