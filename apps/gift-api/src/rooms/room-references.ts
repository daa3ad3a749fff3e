import type { EventStore } from '@livegift/event-store';
import { isOpen, roomAfter, roomStream, type RoomEvent, type RoomState } from '@livegift/domain';
import type { MonotonicClock } from '@livegift/kernel';
import { AgedReferences, type ReferenceBounds } from '../aged-references.js';
import { newestKnown } from '../newest-known.js';

/** What a gift needs to know of its room. */
export interface RoomReference {
  readonly creatorId: string;
  readonly open: boolean;
}

/** Rooms as their streams say, a moment old at most. */
export class RoomReferences {
  readonly #references: AgedReferences<RoomReference>;

  constructor(store: EventStore, clock: MonotonicClock, bounds: ReferenceBounds) {
    // The last event says how the room is; a type that this code does not know is passed over.
    const read = (roomId: string): Promise<RoomReference | null> =>
      newestKnown(store, roomStream(roomId), (event) => roomAfter(event as unknown as RoomEvent));
    // A room never opens again: a read that was overtaken by a closing here must not undo it.
    const newer = (kept: RoomReference, found: RoomReference): RoomReference =>
      !kept.open && found.open ? kept : found;
    this.#references = new AgedReferences(read, newer, clock, bounds);
  }

  /** What is cached and not too old. */
  cached(roomId: string): RoomReference | undefined {
    return this.#references.cached(roomId);
  }

  /** Null: there is no such room. @throws EventStoreError */
  get(roomId: string): Promise<RoomReference | null> {
    return this.#references.get(roomId);
  }

  /** From the stream. Callers that ask at once share one read. @throws EventStoreError */
  read(roomId: string): Promise<RoomReference | null> {
    return this.#references.read(roomId);
  }

  /** What this process has just written is known at once. */
  note(roomId: string, state: RoomState): void {
    this.#references.note(roomId, { creatorId: state.creatorId, open: isOpen(state) });
  }
}
