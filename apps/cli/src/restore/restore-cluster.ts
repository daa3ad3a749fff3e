import { beginGeneration, EventStoreError, type BegunGeneration, type NewGeneration } from '@livegift/event-store';
import { openEventStoreDb, openEventStoreDbReader } from '@livegift/event-store-eventstoredb';
import { StoppedError } from '../exit-codes.js';

/** An app that runs would append meanwhile: settlement saves its checkpoint, and commands come. */
const QUIET_MS = 3_000;

/**
 * Begins a generation in a server that holds the backup. @throws StoppedError the server cannot be reached, holds no log,
 * or is being written to: an app still runs
 */
export async function restoreCluster(connectionString: string, given: NewGeneration): Promise<BegunGeneration> {
  try {
    await assertQuiet(connectionString);
    const store = await openEventStoreDb({ connectionString });
    try {
      return await beginGeneration(store, given);
    } finally {
      await store.close();
    }
  } catch (error) {
    if (error instanceof EventStoreError) throw new StoppedError(`nothing was restored: ${error.message}`);
    throw error;
  }
}

/** Opens as a reader first: that makes no log where none is. */
async function assertQuiet(connectionString: string): Promise<void> {
  const reader = await openEventStoreDbReader({ connectionString });
  try {
    const before = await reader.head();
    if (before === null) throw new StoppedError('nothing was restored: the event store holds no events');
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
    const after = await reader.head();
    if (after === before) return;
    throw new StoppedError('nothing was restored: an app is writing to the event store; stop all apps first');
  } finally {
    await reader.close();
  }
}
