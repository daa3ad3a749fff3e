import { randomUUID } from 'node:crypto';
import { ErrorType, jsonEvent, NO_STREAM, START } from '@eventstore/db-client';
import { EventStoreError } from '@livegift/event-store';
import type { Connection } from './connection.js';
import { OWN_TYPE_PREFIX, STORE_STREAM } from './event.mapping.js';
import type { LogReads } from './log-reads.js';
import { typeOf, unavailable, UnavailableForGoodError } from './server-errors.js';

/**
 * The id in the first event of `livegift.store`, made when it is not there; of several processes at once one makes it.
 * @throws EventStoreError `unavailable`
 */
export async function storeIdentity(connection: Connection, reads: LogReads): Promise<string> {
  for (let made = false; ; made = true) {
    const found = await knownStoreIdentity(reads);
    if (found !== null) return found;
    if (made) throw new EventStoreError('unavailable', `the stream ${STORE_STREAM} cannot be read`);
    await create(connection);
  }
}

/** The id, or null where no livegift ever wrote. @throws EventStoreError `unavailable` */
export async function knownStoreIdentity(reads: LogReads): Promise<string | null> {
  const [first] = await reads.resolvedOf(STORE_STREAM, { maxCount: 1, fromRevision: START });
  if (first?.event === undefined) return null;
  if (!(await reads.standsAt(first.event))) {
    throw new UnavailableForGoodError('EventStoreDB 22.10 is needed: this one does not say where events stand');
  }
  return (first.event.data as { storeId: string }).storeId;
}

async function create(connection: Connection): Promise<void> {
  const event = jsonEvent({ type: `${OWN_TYPE_PREFIX}store-created`, data: { storeId: randomUUID() } });
  const options = { expectedRevision: NO_STREAM, ...connection.options } as const;
  try {
    await connection.call((client) => client.appendToStream(STORE_STREAM, event, options));
  } catch (error) {
    if (typeOf(error) !== ErrorType.WRONG_EXPECTED_VERSION) throw unavailable(error, connection.redact);
  }
}
