import {
  hashBody,
  PromisedTicket,
  type Accepted,
  type CommandContext,
  type CommandOutcome,
  type Decided,
} from '@livegift/command-handling';
import type { GiftAnswer, SendGiftBody } from '@livegift/contracts';
import { walletStream, type GiftSent, type SendGift, type WalletEvent, type WalletState } from '@livegift/domain';
import { instant, type Clock, type Diamonds, type Instant } from '@livegift/kernel';
import type { Catalogue } from '../catalogue/catalogue.js';
import type { CreatorEarnings } from '../creators/creator-earnings.js';
import type { RoomReference, RoomReferences } from '../rooms/room-references.js';
import { answering } from '../store-calls.js';
import type { WalletCommands } from '../wallets/wallet-commands.js';

export interface GiftTerms {
  readonly streakWindowMs: number;
  readonly creatorShareBps: number;
}

/** Sends gifts. The room and the price come from other streams, a moment old at most; the wallet decides. */
export class Gifts {
  #nowMs = Number.NaN;
  #now: Instant = '';

  constructor(
    private readonly commands: WalletCommands,
    private readonly rooms: RoomReferences,
    private readonly earnings: CreatorEarnings,
    private readonly catalogue: Catalogue,
    private readonly clock: Clock,
    private readonly terms: GiftTerms,
  ) {}

  /** @throws CommandError */
  async send(roomId: string, body: SendGiftBody, context: CommandContext): Promise<CommandOutcome<GiftAnswer>> {
    const room = this.rooms.cached(roomId) ?? (await answering(() => this.rooms.get(roomId)));
    const earned = room === null ? 0 : await this.#earnedBy(room.creatorId);
    if (!this.catalogue.isFresh()) await answering(() => this.catalogue.refresh());
    const { idempotencyKey, correlationId } = context;
    const cause = { idempotencyKey, bodyHash: idempotencyKey === null ? null : hashGift(roomId, body), correlationId };
    const ticket = new PromisedTicket(
      this.commandFor(roomId, body, room, earned),
      cause,
      (decided: Decided<WalletEvent, WalletState>) => {
        this.noteSent(decided);
        return toAccepted(decided);
      },
    );
    this.commands.submit(walletStream(body.viewerId), ticket);
    return ticket.outcome;
  }

  /** What was appended counts for its creator before settlement has got to it. */
  noteSent({ events, position, replayed }: Decided<WalletEvent, WalletState>): void {
    if (replayed) return;
    const { creatorId, diamonds } = (events[0] as GiftSent).data;
    this.earnings.sent(creatorId, diamonds, position);
  }

  /** Needs a catalogue that is fresh. `creatorDiamonds`: what the room's creator has earned. */
  commandFor(roomId: string, body: SendGiftBody, room: RoomReference | null, creatorDiamonds: Diamonds): SendGift {
    const { sender } = body;
    return {
      type: 'SendGift',
      roomId,
      gift: body.gift,
      quantity: body.quantity ?? 1,
      message: body.message ?? null,
      sender:
        sender === undefined || sender === null ? null : { name: sender.name, avatarUrl: sender.avatarUrl ?? null },
      occurredAt: this.#instant(),
      streakWindowMs: this.terms.streakWindowMs,
      creatorShareBps: this.terms.creatorShareBps,
      room,
      creatorDiamonds,
      priceCoins: this.catalogue.gift(body.gift)?.coins ?? null,
    };
  }

  async #earnedBy(creatorId: string): Promise<Diamonds> {
    return this.earnings.cached(creatorId) ?? (await answering(() => this.earnings.get(creatorId)));
  }

  /** The time as text is made once per millisecond. */
  #instant(): Instant {
    const nowMs = this.clock.now();
    if (nowMs !== this.#nowMs) {
      this.#nowMs = nowMs;
      this.#now = instant(nowMs);
    }
    return this.#now;
  }
}

/** Alike for single gifts and lines in bulk: a key belongs to the wallet. Every field stands, defaults filled in. */
export function hashGift(roomId: string, body: SendGiftBody): string {
  const { viewerId, gift, quantity, message, sender } = body;
  const fields = [
    'SendGift',
    roomId,
    viewerId,
    gift,
    quantity ?? 1,
    message ?? null,
    sender?.name ?? null,
    sender?.avatarUrl ?? null,
  ];
  return hashBody(JSON.stringify(fields));
}

function toAccepted({ events, position, replayed }: Decided<WalletEvent, WalletState>): Accepted<GiftAnswer> {
  const gift = (events[0] as GiftSent).data;
  const answer: GiftAnswer = {
    giftId: gift.giftId,
    roomId: gift.roomId,
    creatorId: gift.creatorId,
    viewerId: gift.viewerId,
    gift: gift.gift,
    quantity: gift.quantity,
    coins: gift.coins,
    diamonds: gift.diamonds,
    streak: { id: gift.streak!.id, count: gift.streak!.count },
    balance: gift.balance,
    position,
  };
  return { answer, created: true, replayed };
}
