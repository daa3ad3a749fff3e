import { ErrorType, jsonEvent, NO_STREAM, START } from '@eventstore/db-client';
import type { Connection } from './connection.js';
import { CHOICE_PREFIX, OWN_TYPE_PREFIX } from './event.mapping.js';
import type { LogReads } from './log-reads.js';
import { typeOf, unavailable } from './server-errors.js';

/**
 * What was first chosen under this name, for ever: `value`, if nobody was earlier. Each name in a stream of its own with one
 * event, `livegift-choice-<name>`, appended only where there is none.
 * @throws EventStoreError `unavailable`
 */
export async function firstChoice(
  connection: Connection,
  reads: LogReads,
  name: string,
  value: string,
): Promise<string> {
  const stream = CHOICE_PREFIX + name;
  const known = await chosen(reads, stream);
  if (known !== null) return known;
  await choose(connection, stream, value);
  return (await chosen(reads, stream)) ?? value;
}

async function chosen(reads: LogReads, stream: string): Promise<string | null> {
  const [first] = await reads.resolvedOf(stream, { maxCount: 1, fromRevision: START });
  return first?.event === undefined ? null : (first.event.data as { value: string }).value;
}

async function choose(connection: Connection, stream: string, value: string): Promise<void> {
  const event = jsonEvent({ type: `${OWN_TYPE_PREFIX}choice-made`, data: { value } });
  const options = { expectedRevision: NO_STREAM, ...connection.options } as const;
  try {
    await connection.call((client) => client.appendToStream(stream, event, options));
  } catch (error) {
    // Somebody was earlier.
    if (typeOf(error) !== ErrorType.WRONG_EXPECTED_VERSION) throw unavailable(error, connection.redact);
  }
}
