// Longer than most: one small method for each command there is.
import {
  creatorDecider,
  creatorStream,
  importStream,
  paymentStream,
  roomDecider,
  roomStream,
  walletDecider,
  walletStream,
  type ClaimEvent,
  type CreatorEvent,
  type DiamondsCredited,
  type GiftSent,
  type RoomEvent,
  type WalletCommand,
  type WalletEvent,
} from '@livegift/domain';
import type { EventStore } from '@livegift/event-store';
import {
  instant,
  isRefused,
  type Decider,
  type DomainEvent,
  type EventMetadata,
  type NewEvent,
  type Position,
  type RecordedEvent,
  type Refused,
} from '@livegift/kernel';

const START_MS = 1_772_366_400_000;

/** What came of a command: its events, or why not. */
export type ScenarioOutcome = readonly DomainEvent[] | Refused;

export interface ScenarioGift {
  readonly viewerId: string;
  readonly roomId: string;
  readonly gift?: string;
  readonly quantity?: number;
  /** Null: not in the catalogue. */
  readonly priceCoins?: number | null;
  readonly creatorShareBps?: number;
}

/**
 * Fills an event store with a valid log by running the deciders one command at a time, each on its whole stream. The
 * plainest way to get wallets, rooms and gifts for a spec: no cache, no queue, no keys, time moves a second a command.
 */
export class MoneyScenario {
  #commands = 0;
  #events = 0;

  constructor(readonly store: EventStore) {}

  /** A wallet holding `coins`. */
  async wallet(viewerId: string, coins: number, ageAssured = true): Promise<void> {
    await this.openWallet(viewerId, ageAssured);
    if (coins > 0) await this.purchase(viewerId, coins);
  }

  openWallet(viewerId: string, ageAssured = true): Promise<ScenarioOutcome> {
    const occurredAt = this.#now();
    return this.#wallet(viewerId, {
      type: 'OpenWallet',
      viewerId,
      region: 'DE',
      ageAssured,
      imported: false,
      occurredAt,
    });
  }

  /** Dry decision, claim, completion. */
  async purchase(viewerId: string, coins: number): Promise<ScenarioOutcome> {
    const paymentId = `payment ${++this.#commands}`;
    const purchase = {
      coins,
      price: { amountMinor: coins, currency: 'EUR' },
      provider: 'shop',
      paymentId,
      occurredAt: this.#now(),
    };
    const stream = walletStream(viewerId);
    const state = await this.#load(walletDecider, stream);
    const dry = walletDecider.decide({ type: 'PurchaseCoins', ...purchase }, state);
    if (isRefused(dry)) return dry;
    const claim: ClaimEvent = {
      type: 'PaymentClaimed',
      schemaVersion: 1,
      data: { ...purchase, viewerId, idempotencyKey: paymentId, bodyHash: 'h', walletRevision: state.nextRevision - 1 },
    };
    await this.#append(paymentStream('shop', paymentId), [claim], 0);
    return this.#wallet(viewerId, { type: 'CompletePurchase', ...purchase }, paymentId);
  }

  async room(roomId: string, creatorId: string): Promise<ScenarioOutcome> {
    const occurredAt = this.#now();
    await this.registerCreator(creatorId);
    const command = { type: 'OpenRoom', roomId, creatorId, title: null, imported: false, occurredAt } as const;
    return this.#run(roomDecider, roomStream(roomId), command);
  }

  registerCreator(creatorId: string): Promise<ScenarioOutcome> {
    const command = { type: 'RegisterCreator', creatorId, occurredAt: this.#now() } as const;
    return this.#run(creatorDecider, creatorStream(creatorId), command);
  }

  closeRoom(roomId: string): Promise<ScenarioOutcome> {
    return this.#run(roomDecider, roomStream(roomId), { type: 'CloseRoom', occurredAt: this.#now() });
  }

  async gift(gift: ScenarioGift): Promise<ScenarioOutcome> {
    const room = await this.#load(roomDecider, roomStream(gift.roomId));
    const command: WalletCommand = {
      type: 'SendGift',
      roomId: gift.roomId,
      gift: gift.gift ?? 'rose',
      quantity: gift.quantity ?? 1,
      message: null,
      sender: null,
      occurredAt: this.#now(),
      streakWindowMs: 3_000,
      creatorShareBps: gift.creatorShareBps ?? 5_000,
      room: room.openedAt === null ? null : { creatorId: room.creatorId, open: room.closedAt === null },
      creatorDiamonds: 0,
      priceCoins: gift.priceCoins === undefined ? 1 : gift.priceCoins,
    };
    return this.#wallet(gift.viewerId, command, `gift ${++this.#commands}`);
  }

  /** One line of history: creator and room if new, claim, wallet. */
  async importGift(viewerId: string, roomId: string, creatorId: string, coins: number): Promise<ScenarioOutcome> {
    const importId = `line-${++this.#commands}`;
    const occurredAt = this.#now();
    await this.registerCreator(creatorId);
    const opening = { type: 'OpenRoomForHistory', roomId, creatorId, occurredAt } as const;
    const room = await this.#run(roomDecider, roomStream(roomId), opening);
    if (isRefused(room)) return room;
    const { nextRevision } = await this.#load(walletDecider, walletStream(viewerId));
    const facts = { importId, viewerId, roomId, creatorId, coins, occurredAt };
    const data = { ...facts, walletRevision: nextRevision - 1 };
    await this.#append(importStream(importId), [{ type: 'HistoryClaimed', schemaVersion: 1, data }], 0);
    return this.#wallet(viewerId, { type: 'ImportGift', ...facts, creatorShareBps: 5_000 });
  }

  /** Credits the oldest uncredited gifts, at most `giftsMax` of them: settlement at its plainest. */
  async settle(giftsMax = Number.MAX_SAFE_INTEGER): Promise<void> {
    let credited = 0;
    for (const event of await this.log()) {
      if (event.type !== 'GiftSent' || credited === giftsMax) continue;
      const { creatorId, giftId, roomId, coins, diamonds, occurredAt } = (event as RecordedEvent & GiftSent).data;
      const gift = { creatorId, giftId, giftPosition: event.position, roomId, coins, diamonds, occurredAt };
      const credit = await this.#run(creatorDecider, creatorStream(creatorId), { type: 'CreditGift', ...gift });
      if (!isRefused(credit)) credited += credit.length;
    }
  }

  async log(): Promise<readonly RecordedEvent[]> {
    const events: RecordedEvent[] = [];
    for (;;) {
      const page = await this.store.readAll({ after: events.at(-1)?.position ?? null, limit: 1_000 });
      if (page.length === 0) return events;
      events.push(...page);
    }
  }

  #wallet(viewerId: string, command: WalletCommand, key?: string): Promise<ScenarioOutcome> {
    return this.#run(walletDecider, walletStream(viewerId), command, key);
  }

  async #run<State extends { readonly nextRevision: number }, Command, Event extends DomainEvent>(
    decider: Decider<State, Command, Event>,
    stream: string,
    command: Command,
    key?: string,
  ): Promise<ScenarioOutcome> {
    const state = await this.#load(decider, stream);
    const decision = decider.decide(command, state);
    if (!isRefused(decision)) await this.#append(stream, decision, state.nextRevision, key);
    return decision;
  }

  async #load<State, Event extends DomainEvent>(decider: Decider<State, never, Event>, stream: string): Promise<State> {
    let state = decider.initialState;
    let from = 0;
    for (;;) {
      const page = await this.store.readStream(stream, { from, limit: 1_000 });
      if (page.length === 0) return state;
      for (const event of page) state = decider.evolve(state, event as unknown as Event);
      from += page.length;
    }
  }

  async #append(
    stream: string,
    events: readonly (DomainEvent | WalletEvent | CreatorEvent | RoomEvent | ClaimEvent)[],
    nextRevision: number,
    idempotencyKey?: string,
  ): Promise<void> {
    if (events.length === 0) return;
    const settled = stream.startsWith('creator-') ? { settledThrough: await this.#settledThrough(stream, events) } : {};
    const metadata: EventMetadata = {
      $correlationId: `command ${this.#commands}`,
      $causationId: `command ${this.#commands}`,
      recordedAt: this.#now(),
      ...(idempotencyKey === undefined ? {} : { idempotencyKey, bodyHash: 'h' }),
      ...settled,
    };
    const appended = events.map((event): NewEvent => ({ ...event, id: `event ${++this.#events}`, metadata }));
    await this.store.append(stream, appended, nextRevision === 0 ? 'no-stream' : nextRevision - 1);
  }

  /** A credit's own gift, else what the stream's last event says. */
  async #settledThrough(stream: string, events: readonly DomainEvent[]): Promise<Position | null> {
    const [event] = events as readonly (DomainEvent | DiamondsCredited)[];
    if (event?.type === 'DiamondsCredited') return (event as DiamondsCredited).data.giftPosition;
    const [last] = await this.store.readStream(stream, { direction: 'backwards', limit: 1 });
    return last?.metadata.settledThrough ?? null;
  }

  #now(): string {
    return instant(START_MS + ++this.#commands * 1_000);
  }
}
