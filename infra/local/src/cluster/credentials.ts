import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const PASSWORD_BYTES = 24;
const FILE = 'credentials.json';

/** How one gets into the servers that are started here. */
export interface Credentials {
  readonly redisPassword: string;
  readonly kafkaUser: string;
  readonly kafkaPassword: string;
}

/** Where they stand, for people; only this user can read it. */
export const credentialsFile = (directory: string): string => join(directory, FILE);

/** Made at the first start, then kept beside the servers' data: Kafka remembers its users. */
export function credentialsIn(directory: string): Credentials {
  const file = credentialsFile(directory);
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as Credentials;
  const password = (): string => randomBytes(PASSWORD_BYTES).toString('base64url');
  const made: Credentials = { redisPassword: password(), kafkaUser: 'livegift', kafkaPassword: password() };
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeFileSync(file, `${JSON.stringify(made, null, 2)}\n`, { mode: 0o600 });
  return made;
}
