export interface RedisNode {
  readonly host: string;
  readonly port: number;
}

export interface RedisAddress {
  /** One Redis, or some nodes of one Redis Cluster. */
  readonly nodes: readonly RedisNode[];
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** A single Redis only: a Redis Cluster has none but 0. */
  readonly db: number;
  readonly tls: boolean;
}

const PORT_DEFAULT = 6379;
const FORM = 'redis://[user:password@]host[:port][,host[:port]…][/db], or rediss:// for TLS';

/**
 * Reads `redis://[user:password@]host:port[,host:port…][/db]`; user and password are percent-encoded.
 * @throws RangeError that says what is wrong, without a word of the URL: it may hold a password
 */
export function parseRedisUrl(url: string): RedisAddress {
  const match = /^(rediss?):\/\/(?:([^@/]*)@)?([^@/]+)(?:\/(\d*))?$/.exec(url);
  if (match === null) throw new RangeError(`the URL of Redis must be like ${FORM}`);
  const [, scheme, credentials = '', hosts, db = ''] = match;
  const colon = credentials.indexOf(':');
  const username = colon < 0 ? credentials : credentials.slice(0, colon);
  const password = colon < 0 ? '' : credentials.slice(colon + 1);
  return {
    nodes: hosts!.split(',').map(parseNode),
    username: decoded(username, 'user'),
    password: decoded(password, 'password'),
    db: db === '' ? 0 : Number(db),
    tls: scheme === 'rediss',
  };
}

function parseNode(text: string): RedisNode {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:[\]\s]+)(?::(\d{1,5}))?$/.exec(text);
  const port = match?.[2] === undefined ? PORT_DEFAULT : Number(match[2]);
  if (match === null || port < 1 || port > 65_535)
    throw new RangeError(`a host of the URL of Redis must be like ${FORM}`);
  return { host: match[1]!.replace(/^\[|\]$/g, ''), port };
}

function decoded(text: string, what: string): string | undefined {
  if (text === '') return undefined;
  try {
    return decodeURIComponent(text);
  } catch {
    throw new RangeError(`the ${what} in the URL of Redis must be percent-encoded`);
  }
}
