import type {
  BoardAnswer,
  BoardEntryAnswer,
  CatalogueGiftAnswer,
  CreatorAnswer,
  FieldError,
  GiftAnswer,
  LineAnswer,
  LogEvent,
  Problem,
  PurchaseAnswer,
  PurchaseReceiptAnswer,
  ReceiptAnswer,
  RoomAnswer,
  RoomClosedAnswer,
  RoomDetailsAnswer,
  WalletAnswer,
  WalletDetailsAnswer,
} from '@livegift/contracts';
import { ID_PATTERN } from '@livegift/kernel';
import { PROBLEMS } from '@livegift/contracts';
import { nullable, type JsonSchema } from './body-schema.js';

/** A schema for every field of the answer, no fewer and no more: the compiler holds it to the contract. */
type Fields<Answer> = { readonly [Field in keyof Required<Answer>]: JsonSchema };

const id: JsonSchema = { type: 'string', pattern: ID_PATTERN.source };
const giftId: JsonSchema = { type: 'string', pattern: String.raw`^[A-Za-z0-9._-]{1,64}\.\d+(\.[0-9a-f]{16})?$` };
const text: JsonSchema = { type: 'string' };
const instant: JsonSchema = { type: 'string', format: 'date-time' };
const integer: JsonSchema = { type: 'integer' };
const count: JsonSchema = { type: 'integer', minimum: 0 };
const boolean: JsonSchema = { type: 'boolean' };
const position: JsonSchema = {
  type: 'string',
  description: 'Opaque. Positions compare byte by byte; give one to a query as `after` to read what you wrote.',
};

function closed<Answer>(fields: Fields<Answer>, optional: readonly (keyof Answer & string)[] = []): JsonSchema {
  const required = Object.keys(fields).filter((name) => !(optional as readonly string[]).includes(name));
  return { type: 'object', required, properties: fields };
}

export const listOf = (name: string): JsonSchema => ({
  type: 'object',
  required: ['items', 'nextCursor'],
  properties: { items: { type: 'array', items: refTo(name) }, nextCursor: nullable(text) },
});

export const refTo = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` });

const wallet = { viewerId: id, region: text, ageAssured: boolean, coins: integer };
const streak = closed<{ id: string; count: number }>({ id: giftId, count });
const money = closed<{ amountMinor: number; currency: string }>({ amountMinor: integer, currency: text });
const sender = closed<{ name: string; avatarUrl: string | null }>({ name: text, avatarUrl: nullable(text) });
const gift = { giftId, roomId: id, creatorId: id, viewerId: id, gift: id, quantity: count, coins: count };

const boardEntry = closed<BoardEntryAnswer>({
  rank: { type: 'integer', minimum: 1 },
  id,
  name: nullable(text),
  score: { type: 'integer', minimum: 1 },
  reachedAt: instant,
});

/** The schemas of `components`, by name. */
export const ANSWER_SCHEMAS: Readonly<Record<string, JsonSchema>> = {
  Wallet: closed<WalletAnswer>({ ...wallet, position }),
  WalletDetails: closed<WalletDetailsAnswer>({ ...wallet, purchasedCoins: count, spentCoins: count, position }),
  Purchase: closed<PurchaseAnswer>({ purchaseId: giftId, viewerId: id, coins: count, balance: integer, position }),
  PurchaseReceipt: closed<PurchaseReceiptAnswer>({
    purchaseId: giftId,
    viewerId: id,
    coins: count,
    balance: integer,
    price: nullable(money),
    provider: text,
    paymentId: text,
    occurredAt: instant,
    recordedAt: instant,
    position,
  }),
  Creator: closed<CreatorAnswer>({
    creatorId: id,
    diamonds: count,
    creditedDiamonds: count,
    giftCount: count,
    coinsReceived: count,
    position,
  }),
  Room: closed<RoomAnswer>({
    roomId: id,
    creatorId: id,
    title: nullable(text),
    state: { const: 'open' },
    openedAt: instant,
    position,
  }),
  RoomClosed: closed<RoomClosedAnswer>({ roomId: id, state: { const: 'closed' }, position }),
  RoomDetails: closed<RoomDetailsAnswer>({
    roomId: id,
    creatorId: id,
    title: nullable(text),
    state: { enum: ['open', 'closed'] },
    openedAt: instant,
    closedAt: nullable(instant),
    giftCount: count,
    coins: count,
    diamonds: count,
    position,
  }),
  Gift: closed<GiftAnswer>({ ...gift, diamonds: count, streak, balance: integer, position }),
  Receipt: closed<ReceiptAnswer>({
    ...gift,
    diamonds: count,
    creatorShareBps: { type: 'integer', minimum: 0, maximum: 10_000 },
    platformDiamonds: count,
    occurredAt: instant,
    recordedAt: instant,
    imported: boolean,
    streak: nullable(streak),
    message: nullable(text),
    sender: nullable(sender),
    creditedAt: nullable(instant),
    position,
  }),
  CatalogueGift: closed<CatalogueGiftAnswer>({
    name: id,
    title: text,
    coins: count,
    tier: { enum: ['small', 'medium', 'large', 'grand'] },
    icon: text,
  }),
  BoardEntry: boardEntry,
  Board: closed<BoardAnswer>({
    board: { ...text, description: 'room-gifters:<roomId>, creator-gifters:<creatorId>, creators or gifters' },
    window: closed<BoardAnswer['window']>({
      name: { enum: ['hour', 'day', 'week', 'month', 'all'] },
      startsAt: nullable(instant),
      endsAt: nullable(instant),
      utcOffset: text,
    }),
    entries: { type: 'array', items: refTo('BoardEntry') },
    member: nullable(refTo('BoardEntry')),
    total: count,
    position: nullable(position),
  }),
  LogEvent: closed<LogEvent>({
    position,
    stream: text,
    revision: count,
    id: text,
    type: text,
    schemaVersion: count,
    occurredAt: instant,
    recordedAt: instant,
    correlationId: text,
    causationId: text,
    data: { type: 'object' },
  }),
  Line: closed<LineAnswer>(
    {
      line: { type: 'integer', minimum: 1 },
      status: { enum: ['accepted', 'replayed', 'refused', 'invalid', 'retry'] },
      giftId,
      position,
      code: text,
      detail: text,
      errors: { type: 'array', items: refTo('FieldError') },
    },
    ['giftId', 'position', 'code', 'detail', 'errors'],
  ),
  FieldError: closed<FieldError>({ path: text, rule: text, message: text }),
  Problem: closed<Problem>(
    {
      type: { type: 'string', pattern: '^urn:livegift:problem:' },
      title: text,
      status: { type: 'integer', minimum: 400, maximum: 599 },
      detail: text,
      code: { type: 'string', examples: Object.keys(PROBLEMS) },
      errors: { type: 'array', items: refTo('FieldError') },
    },
    ['errors'],
  ),
};
