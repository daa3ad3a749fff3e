import type { EventStore } from '@livegift/event-store';
import { isOpen, roomAfter, roomStream, type RoomEvent, type RoomState } from '@livegift/domain';
import type { MonotonicClock } from '@livegift/kernel';

/** What a gift needs to know of its room. */
export interface RoomReference {
  readonly creatorId: string;
  readonly open: boolean;
}

interface AgedRoom {
  readonly room: RoomReference;
  readonly readAtMs: number;
}

/** The last event says how the room is; a type that this code does not know is passed over. */
const ROOM_EVENTS_READ = 10;

/**
 * Rooms as their streams say, at most `referenceStalenessMs` old. One that is in use is read again at half that age, behind
 * its users' backs. That a room does not exist is never kept.
 */
export class RoomReferences {
  readonly #rooms = new Map<string, AgedRoom>();
  readonly #reading = new Map<string, Promise<RoomReference | null>>();

  constructor(
    private readonly store: EventStore,
    private readonly clock: MonotonicClock,
    private readonly bounds: { readonly referenceStalenessMs: number; readonly referencesCachedMax: number },
  ) {}

  /** What is cached and not too old. */
  cached(roomId: string): RoomReference | undefined {
    const aged = this.#rooms.get(roomId);
    if (aged === undefined) return undefined;
    const ageMs = this.clock.elapsedMs() - aged.readAtMs;
    const { referenceStalenessMs } = this.bounds;
    if (ageMs > referenceStalenessMs) return undefined;
    if (ageMs * 2 > referenceStalenessMs && !this.#reading.has(roomId)) void this.read(roomId).catch(() => {});
    return aged.room;
  }

  /** Null: there is no such room. @throws EventStoreError */
  async get(roomId: string): Promise<RoomReference | null> {
    const cached = this.cached(roomId);
    if (cached !== undefined) return cached;
    // A read that began before this question may have missed that the room was opened, or closed for too long already.
    const joined = await this.#reading.get(roomId);
    return (joined && this.cached(roomId)) ?? this.read(roomId);
  }

  /** From the stream. Those who ask at once share one read. @throws EventStoreError */
  read(roomId: string): Promise<RoomReference | null> {
    let reading = this.#reading.get(roomId);
    if (reading === undefined) {
      reading = this.#read(roomId).finally(() => this.#reading.delete(roomId));
      this.#reading.set(roomId, reading);
    }
    return reading;
  }

  /** What this process has just written is known at once. */
  note(roomId: string, state: RoomState): void {
    this.#keep(roomId, { creatorId: state.creatorId, open: isOpen(state) }, this.clock.elapsedMs());
  }

  async #read(roomId: string): Promise<RoomReference | null> {
    const askedAtMs = this.clock.elapsedMs();
    const room = await this.#last(roomId);
    if (room === null) return null;
    const known = this.#rooms.get(roomId);
    // A room never opens again: a read that was overtaken by a closing here must not undo it.
    if (known !== undefined && !known.room.open && room.open) return known.room;
    this.#keep(roomId, room, askedAtMs);
    return room;
  }

  async #last(roomId: string): Promise<RoomReference | null> {
    let from: number | undefined;
    for (;;) {
      const options = { direction: 'backwards', limit: ROOM_EVENTS_READ, from } as const;
      const events = await this.store.readStream(roomStream(roomId), options);
      for (const event of events as unknown as readonly RoomEvent[]) {
        const room = roomAfter(event);
        if (room !== null) return room;
      }
      from = (events.at(-1)?.revision ?? 0) - 1;
      if (from < 0) return null;
    }
  }

  #keep(roomId: string, room: RoomReference, readAtMs: number): void {
    this.#rooms.delete(roomId);
    this.#rooms.set(roomId, { room, readAtMs });
    if (this.#rooms.size > this.bounds.referencesCachedMax) this.#rooms.delete(this.#rooms.keys().next().value!);
  }
}
