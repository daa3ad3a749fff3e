import { creatorDecider, creatorStream, type CreatorEvent, type CreatorState } from '@livegift/domain';
import type { EventStore } from '@livegift/event-store';
import type { RecordedEvent } from '@livegift/kernel';

/** How much is read at once when a creator's last event is not a credit. */
const TAIL_PAGE_EVENTS = 100;

export interface CreatorTail {
  readonly state: CreatorState;
  /** The stream's last event; undefined when there is no stream. */
  readonly last: RecordedEvent | undefined;
}

/**
 * A creator's state from the end of its stream: the newest credit says the balance and how far the creator is settled,
 * and what stands after it is folded on top. Usually one event is read; never more than the last credit and what follows.
 */
export async function readCreatorTail(store: EventStore, creatorId: string): Promise<CreatorTail> {
  const stream = creatorStream(creatorId);
  const newestFirst: RecordedEvent[] = [];
  let limit = 1;
  for (;;) {
    const before = newestFirst.at(-1)?.revision;
    if (before === 0) return folded(creatorDecider.initialState, newestFirst);
    const from = before === undefined ? undefined : before - 1;
    const page = await store.readStream(stream, { direction: 'backwards', from, limit });
    if (page.length === 0) return folded(creatorDecider.initialState, newestFirst);
    for (const event of page) {
      if (event.type === 'DiamondsCredited') return folded(stateAtCredit(event), newestFirst, event);
      newestFirst.push(event);
    }
    limit = Math.min(TAIL_PAGE_EVENTS, store.readEventsMax);
  }
}

function stateAtCredit(event: RecordedEvent): CreatorState {
  const { balance, giftPosition } = (event as RecordedEvent & Extract<CreatorEvent, { type: 'DiamondsCredited' }>).data;
  return {
    registered: true,
    balance,
    settledThrough: giftPosition,
    lastCreditRevision: event.revision,
    nextRevision: event.revision + 1,
  };
}

function folded(state: CreatorState, newestFirst: readonly RecordedEvent[], credit?: RecordedEvent): CreatorTail {
  const after = newestFirst.reduceRight(
    (folding, event) => creatorDecider.evolve(folding, event as unknown as CreatorEvent),
    state,
  );
  return { state: after, last: newestFirst[0] ?? credit };
}
