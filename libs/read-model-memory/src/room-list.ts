import type { Position } from '@livegift/kernel';

export interface ListedRoom {
  readonly roomId: string;
  readonly creatorId: string;
  readonly opened: Position;
  state: 'open' | 'closed';
}

/** All rooms by opening, with shorter lists by creator and of the open ones. */
export class RoomList {
  readonly #byId = new Map<string, ListedRoom>();
  readonly #all: ListedRoom[] = [];
  readonly #open: ListedRoom[] = [];
  readonly #byCreator = new Map<string, ListedRoom[]>();

  list(room: { roomId: string; creatorId: string; state: 'open' | 'closed'; openedPosition: Position | null }): void {
    const known = this.#byId.get(room.roomId);
    if (known !== undefined) {
      if (known.state === room.state) return;
      known.state = room.state;
      if (room.state === 'open') insert(this.#open, known);
      else remove(this.#open, known);
      return;
    }
    if (room.openedPosition === null) return;
    const { roomId, creatorId, state, openedPosition: opened } = room;
    const entry: ListedRoom = { roomId, creatorId, opened, state };
    this.#byId.set(roomId, entry);
    insert(this.#all, entry);
    if (state === 'open') insert(this.#open, entry);
    const ofCreator = this.#byCreator.get(creatorId);
    if (ofCreator === undefined) this.#byCreator.set(creatorId, [entry]);
    else insert(ofCreator, entry);
  }

  find(roomId: string): ListedRoom | undefined {
    return this.#byId.get(roomId);
  }

  /** Newest first, opened before `cursor`; at most `limit`, and whether there are more. */
  page(query: { creatorId?: string; state?: 'open' | 'closed'; limit: number; cursor?: string }): {
    readonly rooms: readonly ListedRoom[];
    readonly more: boolean;
  } {
    const { creatorId, state, limit, cursor } = query;
    const list =
      creatorId !== undefined ? (this.#byCreator.get(creatorId) ?? []) : state === 'open' ? this.#open : this.#all;
    const rooms: ListedRoom[] = [];
    for (let i = (cursor === undefined ? list.length : indexAt(list, cursor)) - 1; i >= 0; i--) {
      const room = list[i]!;
      if (state !== undefined && room.state !== state) continue;
      if (rooms.length === limit) return { rooms, more: true };
      rooms.push(room);
    }
    return { rooms, more: false };
  }

  /** Newest first. */
  *newest(): Generator<ListedRoom> {
    for (let i = this.#all.length - 1; i >= 0; i--) yield this.#all[i]!;
  }
}

/** The first place that was not opened before `opened`. */
function indexAt(list: readonly ListedRoom[], opened: string): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (list[middle]!.opened < opened) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Nearly always at the end. */
function insert(list: ListedRoom[], room: ListedRoom): void {
  const last = list.at(-1);
  if (last === undefined || last.opened < room.opened) list.push(room);
  else list.splice(indexAt(list, room.opened), 0, room);
}

function remove(list: ListedRoom[], room: ListedRoom): void {
  list.splice(indexAt(list, room.opened), 1);
}
