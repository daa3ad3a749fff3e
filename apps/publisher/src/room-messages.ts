import type { GiftMessage, RoomMessageBody } from '@livegift/contracts';
import { roomStream, type GiftSent, type RoomClosed, type RoomOpened } from '@livegift/domain';
import type { EventReader } from '@livegift/event-store';
import type { RoomMessage } from '@livegift/fanout';
import { tellPosition, type RecordedEvent } from '@livegift/kernel';
import type { GiftInfos } from './gift-infos.js';

/** What the publisher reads of the log: what rooms show, and what their gifts look like. */
export const PUBLISHED_TYPES: readonly string[] = ['GiftSent', 'RoomOpened', 'RoomClosed', 'GiftListed'];

/** The message that an event becomes; null for one that no room shows. Only a closing has to be awaited. */
export function roomMessageOf(
  event: RecordedEvent,
  infos: GiftInfos,
  events: EventReader,
): RoomMessage | null | Promise<RoomMessage> {
  switch (event.type) {
    case 'GiftSent':
      return giftMessage(event, event.data as GiftSent['data'], infos, events.storeId);
    case 'RoomOpened': {
      const { roomId, creatorId, title, imported, occurredAt } = event.data as RoomOpened['data'];
      // History opened it: it was never live.
      if (imported) return null;
      return roomMessage(event, 'room-opened', { roomId, creatorId, title }, occurredAt, events.storeId);
    }
    case 'RoomClosed':
      return closingMessage(event, event.data as RoomClosed['data'], events);
    default:
      return null;
  }
}

/** The closing says nothing of the title; the room's first event does. */
async function closingMessage(
  event: RecordedEvent,
  { roomId, creatorId, occurredAt }: RoomClosed['data'],
  events: EventReader,
): Promise<RoomMessage> {
  const [opened] = await events.readStream(roomStream(roomId), { limit: 1 });
  const title = (opened?.data as RoomOpened['data'] | undefined)?.title ?? null;
  return roomMessage(event, 'room-closed', { roomId, creatorId, title }, occurredAt, events.storeId);
}

function giftMessage(
  event: RecordedEvent,
  gift: GiftSent['data'],
  infos: GiftInfos,
  storeId: string,
): RoomMessage | null {
  if (gift.imported) return null;
  const { title, icon } = infos.of(gift.gift);
  const { position } = event;
  const body: GiftMessage = {
    type: 'gift',
    giftId: gift.giftId,
    position: tellPosition(storeId, position),
    roomId: gift.roomId,
    creatorId: gift.creatorId,
    viewerId: gift.viewerId,
    sender: gift.sender,
    gift: gift.gift,
    giftInfo: { title, priceCoins: gift.priceCoins, icon },
    quantity: gift.quantity,
    coins: gift.coins,
    diamonds: gift.diamonds,
    message: gift.message,
    streak: gift.streak === null ? null : { id: gift.streak.id, count: gift.streak.count },
    occurredAt: gift.occurredAt,
  };
  const { giftId: id, roomId, occurredAt } = gift;
  return { type: 'gift-sent', id, roomId, storeId, position, occurredAt, body: JSON.stringify(body) };
}

function roomMessage(
  { id, position }: RecordedEvent,
  type: 'room-opened' | 'room-closed',
  body: RoomMessageBody,
  occurredAt: string,
  storeId: string,
): RoomMessage {
  return { type, id, roomId: body.roomId, storeId, position, occurredAt, body: JSON.stringify(body) };
}
