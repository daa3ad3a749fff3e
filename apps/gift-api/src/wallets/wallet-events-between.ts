import type { WalletEvent } from '@livegift/domain';
import type { EventStore } from '@livegift/event-store';
import type { RecordedEvent } from '@livegift/kernel';

export type RecordedWalletEvent = RecordedEvent & WalletEvent;

const PAGE_EVENTS_FIRST = 32;
const PAGE_EVENTS_MAX = 1_000;

/** Events of a wallet after revision `after` through `through`, in pages that grow. @throws EventStoreError */
export async function* walletEventsBetween(
  store: EventStore,
  stream: string,
  after: number,
  through: number,
): AsyncGenerator<RecordedWalletEvent> {
  let pageEvents = PAGE_EVENTS_FIRST;
  for (let from = after + 1; from <= through; pageEvents = Math.min(pageEvents * 4, PAGE_EVENTS_MAX)) {
    const limit = Math.min(pageEvents, through - from + 1);
    const page = await store.readStream(stream, { from, limit });
    if (page.length === 0) return;
    yield* page as unknown as readonly RecordedWalletEvent[];
    from += page.length;
  }
}
