import { boundedSum } from '@livegift/kernel';
import {
  emptyCreatorRow,
  emptyRoomRow,
  emptyWalletRow,
  widenRoom,
  type CreatorRow,
  type RoomRow,
  type RoomSpan,
  type RowTable,
  type RowWrite,
  type WalletRow,
} from '@livegift/read-model';

/** A row as it is kept: JSON, without its id, which is its field in the hash. */
export type Row = Record<string, string | number | boolean | null>;

/** Where a room stands on the list of rooms. */
export interface Listed {
  readonly opened: string;
  readonly creatorId: string;
  readonly state: 'open' | 'closed';
}

export const parseRow = (text: string): Row => JSON.parse(text) as Row;
export const parseListed = (text: string): Listed => JSON.parse(text) as Listed;

export interface RowOf {
  readonly wallet: WalletRow;
  readonly creator: CreatorRow;
  readonly room: RoomRow;
}

/** In the form in which the port has it. */
export function rowOf<Table extends RowTable>(table: Table, id: string, text: string): RowOf[Table] {
  return { [ID_FIELD[table]]: id, ...parseRow(text) } as unknown as RowOf[Table];
}

export function emptyRow(table: RowTable): Row {
  const { [ID_FIELD[table]]: _id, ...row } = EMPTY[table]();
  return row;
}

/** Applies one write. A field that no row has is a mistake in a projection. */
export function writeRow(row: Row, { table, set, add, happenedAt }: RowWrite): void {
  if (set !== undefined) for (const field in set) row[known(table, row, field)] = set[field]!;
  if (add !== undefined) {
    for (const field in add) row[known(table, row, field)] = boundedSum(row[field] as number, add[field]!);
  }
  if (happenedAt !== undefined) widenRoom(row as unknown as RoomSpan, happenedAt);
}

const ID_FIELD = { wallet: 'viewerId', creator: 'creatorId', room: 'roomId' } as const;

const EMPTY: Readonly<Record<RowTable, () => Row>> = {
  wallet: () => ({ ...emptyWalletRow('') }),
  creator: () => ({ ...emptyCreatorRow('') }),
  room: () => ({ ...emptyRoomRow('') }),
};

function known(table: RowTable, row: Row, field: string): string {
  if (row[field] === undefined) throw new Error(`a ${table} row cannot be written at ${field}`);
  return field;
}
