import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { isOriginAllowed } from './allowed-origin.js';

export interface OriginRules {
  /** Where the server listens. */
  readonly host: string;
  /** Names that a request's `Host` may have besides those of this machine; without a port. */
  readonly allowedHosts: readonly string[];
  /** Origins that browsers may call from; null: any of this machine. */
  readonly corsOrigins: readonly string[] | null;
}

interface AskedRequest {
  readonly method?: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD']);
const HOST_HEADER = /^(\[[0-9a-f:.]+\]|[^:[\]]+)(?::\d{1,5})?$/i;

/**
 * Keeps web pages of elsewhere from acting on this server, before anything of a request is looked at: a page can make a
 * visitor's browser send requests here, also under a name of its own that it lets resolve to this machine (DNS rebinding).
 * Clients that are no browsers send no `Origin` and are not held up.
 */
export class OriginPolicy {
  readonly #checksHost: boolean;

  constructor(private readonly rules: OriginRules) {
    this.#checksHost = isLoopback(rules.host) || rules.allowedHosts.length > 0;
  }

  /** What holds without a word in the environment. */
  static ofThisMachine(): OriginPolicy {
    return new OriginPolicy({ host: '127.0.0.1', allowedHosts: [], corsOrigins: null });
  }

  isAllowed(origin: string): boolean {
    return isOriginAllowed(origin, this.rules.corsOrigins);
  }

  /** Why the request is forbidden, in words; null when it may go on. */
  refusal(request: AskedRequest): string | null {
    const { headers } = request;
    const { host, origin } = headers;
    if (this.#checksHost && host !== undefined && !this.#isKnownHost(host)) {
      return 'the Host header names neither this machine nor one of ALLOWED_HOSTS';
    }
    if (origin !== undefined) {
      if (this.isAllowed(origin) || isSameHost(origin, host)) return null;
      return 'the Origin header is not allowed; CORS_ORIGINS lists origins that are';
    }
    if (headers['sec-fetch-site'] !== 'cross-site') return null;
    // A person who follows a link to this server acts on nothing.
    const isVisit = SAFE_METHODS.has(request.method ?? '') && headers['sec-fetch-mode'] === 'navigate';
    return isVisit ? null : 'a page of another site sent this request';
  }

  #isKnownHost(header: string): boolean {
    const name = HOST_HEADER.exec(header.trim())?.[1]?.toLowerCase().replace(/\.$/, '');
    return name !== undefined && (isLoopback(name) || this.rules.allowedHosts.includes(name));
  }
}

/** A page that this server itself has served, also behind a proxy that speaks TLS. */
function isSameHost(origin: string, host: string | undefined): boolean {
  return host !== undefined && origin !== 'null' && origin.replace(/^https?:\/\//, '') === host.toLowerCase();
}

/** A name or address of this machine. */
export function isLoopback(name: string): boolean {
  const bare = name.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  if (bare === 'localhost' || bare.endsWith('.localhost')) return true;
  return isIP(bare) === 4 ? bare.startsWith('127.') : bare === '::1' || bare === '0:0:0:0:0:0:0:1';
}
