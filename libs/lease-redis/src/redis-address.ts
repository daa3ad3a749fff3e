export interface RedisNode {
  readonly host: string;
  readonly port: number;
}

export interface RedisAddress {
  /** One Redis, or some nodes of one Redis Cluster. */
  readonly nodes: readonly RedisNode[];
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly db: number;
  readonly tls: boolean;
}

const PORT_DEFAULT = 6379;
const PORT_MAX = 65_535;
const FORM = 'redis://[user:password@]host[:port][,host[:port]…][/db] (rediss:// for TLS)';

/**
 * User and password are percent-encoded.
 * @throws RangeError that names the rule and holds nothing of the URL, which may hold a password
 */
export function redisAddress(url: string): RedisAddress {
  const parts = /^(rediss?):\/\/(?:([^:@/]*)(?::([^@/]*))?@)?([^@/]+)(?:\/(\d+)?)?$/.exec(url);
  if (parts === null) throw new RangeError(`the URL of Redis must have the form ${FORM}`);
  const [, scheme, username, password, hosts, db] = parts;
  return {
    nodes: hosts!.split(',').map(nodeOf),
    username: decoded(username),
    password: decoded(password),
    db: Number(db ?? 0),
    tls: scheme === 'rediss',
  };
}

function nodeOf(text: string): RedisNode {
  const parts = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:\s[\]]+))(?::(\d+))?$/.exec(text);
  const port = Number(parts?.[3] ?? PORT_DEFAULT);
  if (parts === null || port < 1 || port > PORT_MAX) {
    throw new RangeError(`each host in the URL of Redis must have the form host or host:port, as in ${FORM}`);
  }
  return { host: (parts[1] ?? parts[2])!, port };
}

function decoded(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined;
  try {
    return decodeURIComponent(text);
  } catch {
    throw new RangeError('user and password in the URL of Redis must be percent-encoded');
  }
}
