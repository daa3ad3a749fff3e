import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { EventStoreError } from '@livegift/event-store';

/** Holds what a restore has not finished. */
export const RESTORING = '.restoring';

/** @throws EventStoreError `unavailable`: a restore into the directory was interrupted */
export function assertRestored(directory: string): void {
  if (!existsSync(join(directory, RESTORING))) return;
  const message = `${directory}: a restore into it was interrupted; empty the directory and restore the backup again`;
  throw new EventStoreError('unavailable', message);
}

/** Makes the directory when it is not there. @throws EventStoreError `unavailable` */
export function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (cause) {
    const { message } = cause as Error;
    throw new EventStoreError('unavailable', `${directory}: it cannot be made: ${message}`, undefined, { cause });
  }
}
