import { boundedSum } from '@livegift/kernel';
import { widenRoom, type CreatorRow, type RoomRow, type RowWrite } from '@livegift/read-model';
import { detached } from './detached.js';

type Writable<Row> = { -readonly [Field in keyof Row]: Row[Field] };
export type WritableCreator = Writable<CreatorRow>;
export type WritableRoom = Writable<RoomRow>;

/*
 * Three times the speed of `row[field] = …`, which costs more than everything else of a gift: a switch lets each store go
 * to a known place. A field that no row has is a mistake in a projection.
 */

export function writeCreator(row: WritableCreator, { set, add }: RowWrite): void {
  if (set !== undefined) {
    for (const field in set) {
      if (field === 'lastCreditRevision') row.lastCreditRevision = set[field] as never;
      else throw unknownField('creator', field);
    }
  }
  if (add !== undefined) {
    for (const field in add) {
      const value = add[field]!;
      if (field === 'diamonds') row.diamonds = boundedSum(row.diamonds, value);
      else if (field === 'giftCount') row.giftCount = boundedSum(row.giftCount, value);
      else if (field === 'coinsReceived') row.coinsReceived = boundedSum(row.coinsReceived, value);
      else if (field === 'creditedDiamonds') row.creditedDiamonds = boundedSum(row.creditedDiamonds, value);
      else throw unknownField('creator', field);
    }
  }
}

export function writeRoom(row: WritableRoom, { set, add, happenedAt }: RowWrite): void {
  if (set !== undefined) {
    for (const field in set) {
      const given = set[field];
      // A position is made one by one, and comes with every gift.
      if (field === 'lastGiftPosition') {
        row.lastGiftPosition = given as never;
        continue;
      }
      const value = (typeof given === 'string' ? detached(given) : given) as never;
      if (field === 'creatorId') row.creatorId = value;
      else if (field === 'title') row.title = value;
      else if (field === 'state') row.state = value;
      else if (field === 'openedAt') row.openedAt = value;
      else if (field === 'closedAt') row.closedAt = value;
      else if (field === 'imported') row.imported = value;
      else throw unknownField('room', field);
    }
  }
  if (add !== undefined) {
    for (const field in add) {
      const value = add[field]!;
      if (field === 'giftCount') row.giftCount = boundedSum(row.giftCount, value);
      else if (field === 'coins') row.coins = boundedSum(row.coins, value);
      else if (field === 'diamonds') row.diamonds = boundedSum(row.diamonds, value);
      else throw unknownField('room', field);
    }
  }
  if (happenedAt !== undefined) widenRoom(row, detached(happenedAt));
}

function unknownField(table: string, field: string): Error {
  return new Error(`a ${table} row cannot be written at ${field}`);
}
