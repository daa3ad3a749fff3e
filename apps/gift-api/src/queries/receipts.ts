import type { PurchaseReceiptAnswer, ReceiptAnswer } from '@livegift/contracts';
import {
  creatorStream,
  walletStream,
  type CoinsPurchased,
  type DiamondsCredited,
  type GiftSent,
} from '@livegift/domain';
import type { EventStore } from '@livegift/event-store';
import { placeOfId, platformDiamonds, type Position, type RecordedEvent } from '@livegift/kernel';

export type RecordedGift = RecordedEvent<'GiftSent', GiftSent['data']>;
type RecordedCredit = RecordedEvent<'DiamondsCredited', DiamondsCredited['data']>;

/** Finds gifts by what their ids say, and when each was credited by how far its creator is settled. No map anywhere. */
export class Receipts {
  constructor(private readonly store: EventStore) {}

  /** Null when there is no such gift. */
  async gift(giftId: string): Promise<RecordedGift | null> {
    const place = placeOfId(giftId);
    if (place === null) return null;
    const [event] = await this.store.readStream(walletStream(place.viewerId), { from: place.revision, limit: 1 });
    if (event?.type !== 'GiftSent' || event.revision !== place.revision) return null;
    const gift = event as RecordedGift;
    return gift.data.giftId === giftId ? gift : null;
  }

  /** The receipts of these gifts, each with the moment of its credit. */
  async receiptsOf(gifts: readonly RecordedGift[]): Promise<readonly ReceiptAnswer[]> {
    const read = new Map<string, Promise<RecordedEvent | undefined>>();
    return Promise.all(gifts.map(async (gift) => receiptOf(gift, await this.#creditedAt(gift, read))));
  }

  /**
   * Positions of credited gifts rise along a creator's stream, so the credit is found by halving: some twenty reads of
   * one event each, however long the stream is. `read` keeps what was read for the other receipts of one answer.
   */
  async #creditedAt(gift: RecordedGift, read: Map<string, Promise<RecordedEvent | undefined>>): Promise<string | null> {
    const stream = creatorStream(gift.data.creatorId);
    const at = (from: number | null): Promise<RecordedEvent | undefined> => {
      const key = `${from} ${stream}`;
      const known = read.get(key) ?? this.#readOne(stream, from);
      read.set(key, known);
      return known;
    };
    const last = await at(null);
    if (last === undefined || settledThrough(last) < gift.position) return null;
    let low = 0;
    let high = last.revision;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const event = await at(middle);
      if (event === undefined || settledThrough(event) >= gift.position) high = middle;
      else low = middle + 1;
    }
    const credit = (await at(low)) as RecordedCredit | undefined;
    const isCredit = credit?.type === 'DiamondsCredited' && credit.data.giftId === gift.data.giftId;
    return isCredit ? credit.metadata.recordedAt : null;
  }

  async #readOne(stream: string, from: number | null): Promise<RecordedEvent | undefined> {
    const [event] = await this.store.readStream(
      stream,
      from === null ? { direction: 'backwards', limit: 1 } : { from, limit: 1 },
    );
    return event;
  }
}

/** How far the creator is settled with this event; before the first credit, less than any position. */
function settledThrough(event: RecordedEvent): Position | '' {
  if (event.type === 'DiamondsCredited') return (event as RecordedCredit).data.giftPosition;
  return event.metadata.settledThrough ?? '';
}

export function receiptOf(gift: RecordedGift, creditedAt: string | null): ReceiptAnswer {
  const { data } = gift;
  return {
    giftId: data.giftId,
    roomId: data.roomId,
    creatorId: data.creatorId,
    viewerId: data.viewerId,
    gift: data.gift,
    quantity: data.quantity,
    coins: data.coins,
    diamonds: data.diamonds,
    creatorShareBps: data.creatorShareBps,
    platformDiamonds: platformDiamonds(data.coins, data.diamonds),
    occurredAt: data.occurredAt,
    recordedAt: gift.metadata.recordedAt,
    imported: data.imported,
    streak: data.streak === null ? null : { id: data.streak.id, count: data.streak.count },
    message: data.message,
    sender: data.sender,
    creditedAt,
    position: gift.position,
  };
}

export function purchaseOf(event: RecordedEvent): PurchaseReceiptAnswer {
  const data = event.data as CoinsPurchased['data'];
  return {
    purchaseId: data.purchaseId,
    viewerId: data.viewerId,
    coins: data.coins,
    balance: data.balance,
    price: data.price,
    provider: data.provider,
    paymentId: data.paymentId,
    occurredAt: data.occurredAt,
    recordedAt: event.metadata.recordedAt,
    position: event.position,
  };
}
