import type { EventStoreError } from '@livegift/event-store';
import { UnavailableForGoodError } from './server-errors.js';

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

export interface ConnectionSettings {
  /** The connection string without user and password: the client prints what it is given when it warns. */
  readonly address: string;
  readonly credentials: Credentials | undefined;
  /** Takes everything secret out of a text that may be shown. */
  readonly redact: (text: string) => string;
}

const SHAPE = /^(esdb|esdb\+discover):\/\/(?:([^@/?]*)@)?([^@?]+)(\?[^@]*)?$/;
/** Shorter ones would turn harmless text into stars. */
const SECRET_LENGTH_MIN = 3;

/**
 * Splits a connection string as users know it: `esdb://user:password@host:2113?tls=true`, `esdb+discover://…`.
 * Its errors never show a part of it.
 * @throws EventStoreError `unavailable`
 */
export function parseConnectionString(text: string): ConnectionSettings {
  const match = SHAPE.exec(text.trim());
  if (match === null)
    throw refused('it must be esdb://[user:password@]host[:port],…[?option=value&…] or esdb+discover://…');
  const [, scheme, login, hosts, query = ''] = match;
  const credentials = login === undefined ? undefined : parseLogin(login);
  const secrets =
    credentials === undefined ? [] : [login!, login!.slice(login!.indexOf(':') + 1), credentials.password];
  return {
    address: `${scheme}://${hosts!.replace(/\/+$/, '')}${query}`,
    // Over an insecure connection the server takes none, and the client says so in its debug output.
    credentials: /[?&]tls=false(&|$)/i.test(query) ? undefined : credentials,
    redact: (shown) =>
      secrets
        .filter(({ length }) => length >= SECRET_LENGTH_MIN)
        .reduce((clean, secret) => clean.replaceAll(secret, '***'), shown),
  };
}

function parseLogin(login: string): Credentials {
  const parts = login.split(':');
  if (parts.length !== 2 || parts[0] === '' || parts[1] === '') {
    throw refused('before the @ stands user:password, with : / ? @ in either percent-encoded');
  }
  try {
    return new HiddenCredentials(decodeURIComponent(parts[0]!), decodeURIComponent(parts[1]!));
  } catch {
    throw refused('user and password must be percent-encoded where they hold a %');
  }
}

/** Whoever prints it, as the client does when it is debugged, sees the name only. */
class HiddenCredentials implements Credentials {
  readonly #password: string;

  constructor(
    readonly username: string,
    password: string,
  ) {
    this.#password = password;
  }

  get password(): string {
    return this.#password;
  }
}

function refused(rule: string): EventStoreError {
  return new UnavailableForGoodError(`the connection string of EventStoreDB is not one: ${rule}`);
}
