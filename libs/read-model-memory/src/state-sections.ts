import type { SavedCreator, SavedRoom } from './entries.js';
import type { FoldState } from './fold-state.js';
import { SECTION_SIZES, sectionLength, type SectionKind, type StateSizes } from './state-cut.js';

/** Bytes of the JSON's length, which stands in front of the numbers of viewers. */
const LENGTH_BYTES = 4;

interface SavedViewers {
  readonly ids: readonly string[];
  /** Null: none of them has one. */
  readonly names: readonly (string | null)[] | null;
}

export function sizesOf({ viewers, creators, rooms, cells }: FoldState): StateSizes {
  return { viewers: viewers.size, creators: creators.length, rooms: rooms.length, cells: cells.size };
}

/** The bytes of one section of a state, of which `sizes` say how much belongs to it. */
export function encodeSection(
  state: FoldState,
  sizes: StateSizes,
  kind: SectionKind,
  index: number,
): readonly Uint8Array[] {
  const start = index * SECTION_SIZES[kind];
  const count = sectionLength(sizes, kind, index);
  switch (kind) {
    case 'viewers':
      return encodeViewers(state, index, start, count);
    case 'creators':
      return [json(state.creators.slice(start, start + count).map(savedCreator))];
    case 'rooms':
      return [json(Array.from({ length: count }, (_, offset) => savedRoom(state, start + offset)))];
    case 'cells':
      return [state.cells.chunkBytes(index, count)];
  }
}

/** Adds a section to a state that has those before it. @throws when the bytes are none */
export function restoreSection(
  state: FoldState,
  sizes: StateSizes,
  kind: SectionKind,
  index: number,
  bytes: Buffer,
): void {
  const count = sectionLength(sizes, kind, index);
  switch (kind) {
    case 'viewers':
      return restoreViewers(state, bytes, count);
    case 'creators':
      return state.restoreCreators(parsed<SavedCreator>(bytes, count));
    case 'rooms':
      return state.restoreRooms(parsed<SavedRoom>(bytes, count));
    case 'cells':
      return state.restoreCells(bytes, count);
  }
}

function encodeViewers(state: FoldState, index: number, start: number, count: number): readonly Uint8Array[] {
  const names = state.names.slice(start, start + count);
  const saved: SavedViewers = {
    ids: state.viewers.ids.slice(start, start + count),
    names: names.some((name) => name !== undefined) ? Array.from(names, (name) => name ?? null) : null,
  };
  const head = json(saved);
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32LE(head.length);
  return [length, head, state.accounts.chunkBytes(index, count)];
}

function restoreViewers(state: FoldState, bytes: Buffer, count: number): void {
  const headEnd = LENGTH_BYTES + bytes.readUInt32LE(0);
  const { ids, names } = JSON.parse(bytes.toString('utf8', LENGTH_BYTES, headEnd)) as SavedViewers;
  if (ids.length !== count) throw new RangeError('not a section of so many viewers');
  for (let i = 0; i < count; i++) {
    const viewer = state.viewers.intern(ids[i]!);
    const name = names?.[i] ?? undefined;
    if (name !== undefined) state.names[viewer] = name;
  }
  state.accounts.restoreChunk(bytes.subarray(headEnd), count);
}

const savedCreator = ({ id, row, diamonds, reached, reachedAtMs }: FoldState['creators'][number]): SavedCreator => ({
  id,
  row,
  earned: [diamonds, reached, reachedAtMs],
});

function savedRoom(state: FoldState, index: number): SavedRoom {
  const { id, row, creator, indexInCreator, gifts } = state.rooms[index]!;
  const listed = state.roomList.find(id);
  return {
    id,
    row,
    creator: creator === null ? null : [creator.index, indexInCreator],
    gifts: gifts === null ? null : gifts.toNumbers(),
    listed: listed === undefined ? null : { creatorId: listed.creatorId, opened: listed.opened, state: listed.state },
  };
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

function parsed<Item>(bytes: Buffer, count: number): readonly Item[] {
  const items = JSON.parse(bytes.toString()) as readonly Item[];
  if (items.length !== count) throw new RangeError('not a section of so many entries');
  return items;
}
