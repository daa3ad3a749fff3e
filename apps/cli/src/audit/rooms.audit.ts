import type { GiftSent, RoomClosed, RoomConfirmed, RoomOpened } from '@livegift/domain';
import type { RecordedEvent } from '@livegift/kernel';
import { findingAt, type Report } from './finding.js';

/** Rooms: opened once, closed at most once, and gifts only into rooms that were opened, by their creator. */
export class RoomsAudit {
  readonly #rooms = new Map<string, { readonly creatorId: string; readonly imported: boolean; closed: boolean }>();

  constructor(private readonly report: Report) {}

  get roomCount(): number {
    return this.#rooms.size;
  }

  opened(event: RecordedEvent): void {
    const { roomId, creatorId, imported } = event.data as RoomOpened['data'];
    if (this.#rooms.has(roomId)) this.#say(event, `room ${roomId} is opened a second time`);
    // History opened it: it was never live, so it is closed from the beginning.
    this.#rooms.set(roomId, { creatorId, imported, closed: imported });
  }

  closed(event: RecordedEvent): void {
    const { roomId } = event.data as RoomClosed['data'];
    const room = this.#rooms.get(roomId);
    if (room === undefined) return this.#say(event, `room ${roomId} is closed, but was never opened`);
    // Before version 0.2 a room that history opened could still be closed.
    if (room.closed && !room.imported) this.#say(event, `room ${roomId} is closed a second time`);
    room.closed = true;
  }

  confirmed(event: RecordedEvent): void {
    const { roomId, creatorId, closedAt } = event.data as RoomConfirmed['data'];
    const room = this.#rooms.get(roomId);
    if (room?.creatorId === creatorId && (room.imported || room.closed === (closedAt !== null))) return;
    this.#say(
      event,
      `room ${roomId} is said to be ${creatorId}'s and ${closedAt === null ? 'open' : 'closed'}: it is not`,
    );
  }

  /** Whether the room was still open is decided when the gift is, so a gift may stand a little after the closing. */
  giftSent(event: RecordedEvent): void {
    const { roomId, creatorId } = event.data as GiftSent['data'];
    const room = this.#rooms.get(roomId);
    if (room === undefined) return this.#say(event, `a gift in room ${roomId}, which was never opened`);
    if (room.creatorId !== creatorId) {
      this.#say(event, `a gift for ${creatorId} in room ${roomId}, which is ${room.creatorId}'s`);
    }
  }

  #say(event: RecordedEvent, detail: string): void {
    this.report(findingAt(event, 'rooms', detail));
  }
}
