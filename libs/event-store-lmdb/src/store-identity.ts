import { randomUUID } from 'node:crypto';
import { EventStoreError } from '@livegift/event-store';
import { getCopy, type Environment } from './environment.js';
import type { Ownership } from './ownership.js';

const KEY = Buffer.from('store');
const FORMAT = 1;

interface Identity {
  readonly storeId: string;
  readonly format: number;
}

/** The store's id; made, and durable, when the store is new. */
export async function storeIdentity(environment: Environment, ownership: Ownership, file: string): Promise<string> {
  const known = readIdentity(environment, file);
  if (known !== null) return known;
  const identity: Identity = { storeId: randomUUID(), format: FORMAT };
  await ownership.write(() => void environment.meta.put(KEY, Buffer.from(JSON.stringify(identity))));
  return identity.storeId;
}

/** Null in a store that has none yet. @throws EventStoreError `damaged` */
export function readIdentity(environment: Environment, file: string): string | null {
  const value = getCopy(environment.meta, KEY);
  if (value === undefined) return null;
  let identity: Identity;
  try {
    identity = JSON.parse(value.toString()) as Identity;
  } catch (cause) {
    throw new EventStoreError('damaged', `${file}: the store's identity cannot be read`, undefined, { cause });
  }
  if (identity.format !== FORMAT) {
    throw new EventStoreError('damaged', `${file}: it is in format ${identity.format}; this version reads ${FORMAT}`);
  }
  return identity.storeId;
}
