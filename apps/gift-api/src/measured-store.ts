import { forwardingStore, type EventStore } from '@livegift/event-store';
import type { MonotonicClock, NewEvent, Telemetry } from '@livegift/kernel';

/** The event store of the commands, with the duration of each append and what the appended events are worth. */
export function measuredStore(store: EventStore, clock: MonotonicClock, telemetry: Telemetry): EventStore {
  const took = (begunMs: number): void =>
    telemetry.observe('append_duration_seconds', (clock.elapsedMs() - begunMs) / 1_000);
  return forwardingStore(store, {
    append: async (stream, events, expected) => {
      const begunMs = clock.elapsedMs();
      const result = await store.append(stream, events, expected);
      took(begunMs);
      for (const event of events) countWorth(event, telemetry);
      return result;
    },
    appendInOrder: async (entries) => {
      const begunMs = clock.elapsedMs();
      const outcome = await store.appendInOrder(entries);
      took(begunMs);
      for (const { events } of entries.slice(0, outcome.results.length)) {
        for (const event of events) countWorth(event, telemetry);
      }
      return outcome;
    },
  });
}

const LIVE = { source: 'live' };
const IMPORT = { source: 'import' };

function countWorth({ type, data }: NewEvent, telemetry: Telemetry): void {
  const { coins, imported, provider } = data as {
    readonly coins?: number;
    readonly imported?: boolean;
    readonly provider?: string;
  };
  if (coins === undefined) return;
  if (type === 'GiftSent') {
    const labels = imported === true ? IMPORT : LIVE;
    telemetry.count('gifts_total', 1, labels);
    telemetry.count('gift_coins_total', coins, labels);
  } else if (type === 'CoinsPurchased') {
    const labels = provider === 'import' ? IMPORT : LIVE;
    telemetry.count('purchases_total', 1, labels);
    telemetry.count('purchased_coins_total', coins, labels);
  }
}
