import { randomUUID } from 'node:crypto';
import type { NewEvent } from '@livegift/kernel';

/** One to append, in a test that cares for where it ends up. */
export const event = (data: unknown = {}, type = 'SomethingHappened'): NewEvent => ({
  id: randomUUID(),
  type,
  schemaVersion: 1,
  data,
  metadata: { $correlationId: 'c', $causationId: 'c', recordedAt: '2026-03-01T12:00:00.000Z' },
});
