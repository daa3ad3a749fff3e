import { boundedSum, type Checkpoint } from '@livegift/kernel';
import {
  emptyCreatorRow,
  emptyRoomRow,
  type GiftScoredWrite,
  type ReadModelWrite,
  type RoomListedWrite,
  type RowWrite,
} from '@livegift/read-model';
import { CellTable } from './cell-table.js';
import {
  CreatorEntry,
  RoomEntry,
  type CountedGift,
  type GiftListener,
  type HourEntry,
  type SavedCreator,
  type SavedRoom,
} from './entries.js';
import { detached } from './detached.js';
import type { HourRange } from './hour-range.js';
import { IdIndex } from './id-index.js';
import { RoomGifts } from './room-gifts.js';
import { RoomList } from './room-list.js';
import { writeCreator, writeRoom } from './row-writes.js';
import type { StateCut } from './state-cut.js';
import { ViewerTable } from './viewer-table.js';

export const HOUR_MS = 3_600_000;

/** Everything that the log comes to. Dropping a read model is making a new one. */
export class FoldState {
  checkpoint: Checkpoint | null = null;
  /** When the newest gift was recorded: what a retention counts back from. */
  newestRecordedMs: number | null = null;

  readonly viewers = new IdIndex();
  /** Wallets, and what their viewers gave. */
  readonly accounts = new ViewerTable();
  /** Last names of senders, by viewer. */
  readonly names: (string | undefined)[] = [];

  readonly creators: CreatorEntry[] = [];
  readonly rooms: RoomEntry[] = [];
  readonly roomList = new RoomList();
  readonly cells = new CellTable();
  readonly hours = new Map<number, HourEntry>();

  /** Standings over all rooms that are kept now. */
  readonly standings: GiftListener[] = [];

  /** Set while this state, as it was at some point, is being written down: what changes has to be written first. */
  cut: StateCut | null = null;

  readonly #creatorsById = new Map<string, CreatorEntry>();
  readonly #roomsById = new Map<string, RoomEntry>();
  #lastViewerId: string | null = null;
  #lastViewer = 0;
  #lastCreator: CreatorEntry | null = null;
  #lastRoom: RoomEntry | null = null;

  constructor(readonly utcOffsetMs: number) {}

  findCreator(id: string): CreatorEntry | undefined {
    return this.#creatorsById.get(id);
  }

  findRoom(id: string): RoomEntry | undefined {
    return this.#roomsById.get(id);
  }

  /** Hours that have cells, ascending. */
  hoursIn(range: HourRange): number[] {
    const found: number[] = [];
    if (range.end - range.start < this.hours.size) {
      for (let hour = range.start; hour < range.end; hour++) if (this.hours.has(hour)) found.push(hour);
      return found;
    }
    for (const hour of this.hours.keys()) if (hour >= range.start && hour < range.end) found.push(hour);
    return found.sort((a, b) => a - b);
  }

  cellReachedAtMs(cell: number): number {
    return (this.cells.key(cell) >> 2) * HOUR_MS - this.utcOffsetMs + this.cells.msIntoHour(cell);
  }

  write(write: ReadModelWrite): void {
    switch (write.kind) {
      case 'row':
        return this.#writeRow(write);
      case 'gift-scored':
        return this.#countGift(write);
      case 'room-listed':
        return this.#listRoom(write);
    }
  }

  /** The three below put back what was saved, in this order, into a state that is empty but for its viewers. */
  restoreCreators(saved: readonly SavedCreator[]): void {
    for (const { id, row, earned } of saved) {
      const creator = this.#creator(id);
      creator.row = row;
      [creator.diamonds, creator.reached, creator.reachedAtMs] = earned;
    }
  }

  restoreRooms(saved: readonly SavedRoom[]): void {
    for (const { id, row, creator, gifts, listed } of saved) {
      const room = this.#room(id);
      room.row = row;
      if (gifts !== null) room.gifts = RoomGifts.restore(gifts);
      if (creator !== null) {
        const [index, indexInCreator] = creator;
        room.creator = this.creators[index]!;
        room.indexInCreator = indexInCreator;
        room.creator.rooms[indexInCreator] = room;
      }
      if (listed !== null) {
        this.roomList.list({ roomId: room.id, ...listed, openedPosition: listed.opened });
      }
    }
  }

  restoreCells(bytes: Uint8Array, count: number): void {
    const { cells } = this;
    const first = cells.size;
    cells.restoreChunk(bytes, count);
    for (let cell = first; cell < cells.size; cell++) {
      const room = this.rooms[cells.room(cell)]!;
      const hour = cells.key(cell) >> 2;
      const entry = this.hours.get(hour);
      if (entry === undefined) this.hours.set(hour, { firstCell: cell, cellCount: 1 });
      else {
        entry.firstCell = cell;
        entry.cellCount++;
      }
      room.firstCell = cell;
      room.cellCount++;
      room.creator!.cellCount++;
    }
  }

  #listRoom({ roomId, creatorId, state, openedPosition }: RoomListedWrite): void {
    const room = this.#room(roomId);
    this.cut?.beforeRoom(room.index);
    this.roomList.list({
      roomId: room.id,
      creatorId: this.#creator(creatorId).id,
      state,
      openedPosition,
    });
  }

  #writeRow(write: RowWrite): void {
    const { table, id } = write;
    if (table === 'wallet') {
      const viewer = this.#viewer(id);
      this.cut?.beforeViewer(viewer);
      this.accounts.writeWallet(viewer, write);
    } else if (table === 'creator') {
      const creator = this.#creator(id);
      this.cut?.beforeCreator(creator.index);
      writeCreator((creator.row ??= emptyCreatorRow(creator.id)), write);
    } else {
      const room = this.#room(id);
      this.cut?.beforeRoom(room.index);
      writeRoom((room.row ??= emptyRoomRow(room.id)), write);
    }
  }

  #countGift(gift: GiftScoredWrite): void {
    const { coins, diamonds, occurredAtMs } = gift;
    const viewer = this.#viewer(gift.viewerId);
    const room = this.#room(gift.roomId);
    if (this.cut !== null) {
      this.cut.beforeViewer(viewer);
      this.cut.beforeRoom(room.index);
    }
    const creator = room.creator ?? this.#settle(room, gift.creatorId);
    if (gift.name !== null && this.names[viewer] !== gift.name) this.names[viewer] = detached(gift.name);
    (room.gifts ??= new RoomGifts()).push(viewer, revisionOf(gift));
    if (coins === 0 && diamonds === 0) return;

    const position = Number(gift.position);
    if (coins > 0) this.accounts.addGiven(viewer, coins, position, occurredAtMs);
    if (diamonds > 0) {
      this.cut?.beforeCreator(creator.index);
      creator.diamonds = boundedSum(creator.diamonds, diamonds);
      creator.reached = position;
      creator.reachedAtMs = occurredAtMs;
    }
    const hour = Math.floor((occurredAtMs + this.utcOffsetMs) / HOUR_MS);
    const cell = this.#cell(room, creator, viewer, hour, coins, diamonds);
    const msIntoHour = occurredAtMs + this.utcOffsetMs - hour * HOUR_MS;
    this.cut?.beforeCell(cell);
    this.cells.add(cell, coins, diamonds, position, msIntoHour);
    this.#tellStandings(room, creator, viewer, cell, hour, coins, diamonds, position, occurredAtMs);
  }

  /**
   * A gift that moves only one of the two sums has a cell of its own, so that a cell's sums were always reached together:
   * else a gift without diamonds would move the moment at which its creator's score was reached.
   */
  #cell(room: RoomEntry, creator: CreatorEntry, viewer: number, hour: number, coins: number, diamonds: number): number {
    const key = (hour << 2) | (coins > 0 ? 1 : 0) | (diamonds > 0 ? 2 : 0);
    const before = this.cells.size;
    const cell = this.cells.intern(room.index, viewer, key);
    if (cell < before) return cell;
    let entry = this.hours.get(hour);
    if (entry === undefined) this.hours.set(hour, (entry = { firstCell: -1, cellCount: 0 }));
    this.cells.link(cell, room.firstCell, entry.firstCell);
    entry.firstCell = cell;
    entry.cellCount++;
    room.firstCell = cell;
    room.cellCount++;
    creator.cellCount++;
    return cell;
  }

  #tellStandings(
    room: RoomEntry,
    creator: CreatorEntry,
    viewer: number,
    cell: number,
    hour: number,
    coins: number,
    diamonds: number,
    position: number,
    occurredAtMs: number,
  ): void {
    if (this.standings.length + room.standings.length + creator.standings.length === 0) return;
    const counted: CountedGift = { room, creator, viewer, cell, hour, coins, diamonds, position, occurredAtMs };
    for (const standing of this.standings) standing.count(counted);
    for (const standing of room.standings) standing.count(counted);
    for (const standing of creator.standings) standing.count(counted);
  }

  /** The writes of one gift name the same viewer, creator and room twice: the last one is tried first. */
  #viewer(id: string): number {
    if (id !== this.#lastViewerId) {
      this.#lastViewer = this.viewers.intern(id);
      this.#lastViewerId = id;
    }
    return this.#lastViewer;
  }

  #creator(id: string): CreatorEntry {
    if (this.#lastCreator?.id === id) return this.#lastCreator;
    let creator = this.#creatorsById.get(id);
    if (creator === undefined) {
      creator = new CreatorEntry(this.creators.length, detached(id));
      this.creators.push(creator);
      this.#creatorsById.set(creator.id, creator);
    }
    return (this.#lastCreator = creator);
  }

  #room(id: string): RoomEntry {
    if (this.#lastRoom?.id === id) return this.#lastRoom;
    let room = this.#roomsById.get(id);
    if (room === undefined) {
      room = new RoomEntry(this.rooms.length, detached(id));
      this.rooms.push(room);
      this.#roomsById.set(room.id, room);
    }
    return (this.#lastRoom = room);
  }

  #settle(room: RoomEntry, creatorId: string): CreatorEntry {
    const creator = this.#creator(creatorId);
    room.creator = creator;
    room.indexInCreator = creator.rooms.push(room) - 1;
    return creator;
  }
}

/** The revision in `<viewerId>.<revision>`. */
function revisionOf({ giftId, viewerId }: GiftScoredWrite): number {
  let revision = 0;
  for (let i = viewerId.length + 1; i < giftId.length; i++) revision = revision * 10 + giftId.charCodeAt(i) - 48;
  return revision;
}
