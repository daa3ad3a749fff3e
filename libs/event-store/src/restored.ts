import { historyIdOf, isGeneration, type DomainEvent, type Instant, type RecordedEvent } from '@livegift/kernel';

/** What concerns the whole store stands here. */
export const HISTORY_STREAM = 'store';

/** A backup was put in the place of this store: a new generation of its history begins with this event. */
export type StoreRestored = DomainEvent<
  'StoreRestored',
  {
    /** Random, 16 hexadecimal digits. */
    readonly generation: string;
    readonly occurredAt: Instant;
  }
>;

/** The history's id, from the newest event of `HISTORY_STREAM`. */
export function historyIdFrom(storeUuid: string, newest: RecordedEvent | undefined): string {
  if (newest?.type !== 'StoreRestored') return storeUuid;
  const { generation } = newest.data as Partial<StoreRestored['data']>;
  return historyIdOf(storeUuid, isGeneration(generation) ? generation : null);
}
