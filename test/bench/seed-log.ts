// Fills an event store with history as the engine would have written it: wallets that gave, and what creators were credited.
import { randomUUID } from 'node:crypto';
import {
  creatorStream,
  roomStream,
  walletDecider,
  walletStream,
  type WalletCommand,
  type WalletState,
} from '@livegift/domain';
import type { EventStore } from '@livegift/event-store';
import { instant, isRefused, type DomainEvent, type NewEvent } from '@livegift/kernel';

export interface SeedOrder {
  readonly wallets: number;
  readonly giftsPerWallet: number;
  readonly rooms: number;
  /** Business time of the first gift; all gifts fall into `hours` hours after it. */
  readonly beginsAtMs: number;
  readonly hours: number;
}

const APPENDS_IN_FLIGHT = 2_000;
const CREATOR_SHARE_BPS = 5_000;
const STREAK_WINDOW_MS = 3_000;

/** Opens rooms and wallets, buys coins, sends gifts; one append a wallet. Returns how many events were written. */
export async function seedLog(store: EventStore, order: SeedOrder): Promise<number> {
  let written = await seedRooms(store, order);
  let inFlight: Promise<unknown>[] = [];
  for (let wallet = 0; wallet < order.wallets; wallet++) {
    const events = walletHistory(order, wallet);
    written += events.length;
    inFlight.push(appendAll(store, walletStream(`v-${wallet}`), events));
    if (inFlight.length === APPENDS_IN_FLIGHT) {
      await Promise.all(inFlight);
      inFlight = [];
    }
  }
  await Promise.all(inFlight);
  return written;
}

async function appendAll(store: EventStore, stream: string, events: readonly NewEvent[]): Promise<void> {
  const size = Math.min(1_000, store.appendEventsMax);
  for (let start = 0; start < events.length; start += size) {
    await store.append(stream, events.slice(start, start + size), start === 0 ? 'no-stream' : start - 1);
  }
}

async function seedRooms(store: EventStore, order: SeedOrder): Promise<number> {
  const occurredAt = instant(order.beginsAtMs);
  for (let room = 0; room < order.rooms; room++) {
    const creatorId = `creator-${room}`;
    const registered = { type: 'CreatorRegistered', schemaVersion: 1, data: { creatorId, occurredAt } };
    await store.append(
      creatorStream(creatorId),
      [envelope(registered, occurredAt, { settledThrough: null })],
      'no-stream',
    );
    const data = { roomId: `room-${room}`, creatorId, title: null, imported: false, occurredAt };
    const opened = { type: 'RoomOpened', schemaVersion: 1, data };
    await store.append(roomStream(`room-${room}`), [envelope(opened, occurredAt, {})], 'no-stream');
  }
  return order.rooms * 2;
}

function walletHistory(order: SeedOrder, wallet: number): readonly NewEvent[] {
  const viewerId = `v-${wallet}`;
  const spanMs = order.hours * 3_600_000;
  const events: NewEvent[] = [];
  const last = new Map<string, number>();
  let state: WalletState = walletDecider.initialState;
  const run = (command: WalletCommand, atMs: number): void => {
    const decided = walletDecider.decide(command, state);
    if (isRefused(decided)) throw new Error(`the seed was refused: ${decided.refused}`);
    for (const event of decided) {
      state = walletDecider.evolve(state, event);
      const previousOfType = last.get(event.type) ?? null;
      last.set(event.type, events.length);
      events.push(
        envelope(event, instant(atMs), { previousOfType, idempotencyKey: `seed-${events.length}`, bodyHash: 'seed' }),
      );
    }
  };
  const beginsAt = instant(order.beginsAtMs);
  run(
    { type: 'OpenWallet', viewerId, region: 'DE', ageAssured: true, imported: false, occurredAt: beginsAt },
    order.beginsAtMs,
  );
  const price = { amountMinor: 499, currency: 'EUR' };
  run(
    { type: 'PurchaseCoins', coins: 900_000_000, price, provider: 'seed', paymentId: viewerId, occurredAt: beginsAt },
    order.beginsAtMs,
  );
  for (let gift = 0; gift < order.giftsPerWallet; gift++) {
    const room = (wallet * 7 + (gift % 2)) % order.rooms;
    const atMs = order.beginsAtMs + Math.floor(((gift + (wallet % 997) / 997) / order.giftsPerWallet) * spanMs);
    run(
      {
        type: 'SendGift',
        roomId: `room-${room}`,
        room: { creatorId: `creator-${room}`, open: true },
        creatorDiamonds: 0,
        gift: 'rose',
        priceCoins: 1,
        quantity: 1,
        message: null,
        sender: null,
        creatorShareBps: CREATOR_SHARE_BPS,
        streakWindowMs: STREAK_WINDOW_MS,
        occurredAt: instant(atMs),
      },
      atMs,
    );
  }
  return events;
}

function envelope(event: DomainEvent, recordedAt: string, extra: Partial<NewEvent['metadata']>): NewEvent {
  const correlation = randomUUID();
  return {
    ...event,
    id: randomUUID(),
    metadata: { $correlationId: correlation, $causationId: correlation, recordedAt, ...extra },
  };
}
