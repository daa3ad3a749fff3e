import { mkdirSync } from 'node:fs';
import { EventStoreError } from '@livegift/event-store';

/** Makes the directory when it is not there. @throws EventStoreError `unavailable` */
export function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (cause) {
    const { message } = cause as Error;
    throw new EventStoreError('unavailable', `${directory}: it cannot be made: ${message}`, undefined, { cause });
  }
}
