import type { EventReader } from './event-store.js';

/** When the newest event of the log was recorded, milliseconds; null in an empty log. @throws EventStoreError */
export async function newestRecordedAtMs(store: Pick<EventReader, 'readAll'>): Promise<number | null> {
  const [newest] = await store.readAll({ direction: 'backwards', limit: 1 });
  return newest === undefined ? null : Date.parse(newest.metadata.recordedAt);
}
