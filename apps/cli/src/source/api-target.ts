import { isIPv6 } from 'node:net';
import { readVariables } from '@livegift/config';
import { UsageError } from '../exit-codes.js';
import type { Variables } from './log-source.js';

/** A running engine: where it is, and who comes to it. */
export interface ApiTarget {
  /** Without user and password, without a slash at its end; a path in front of the API is part of it. */
  readonly url: string;
  /** The value of the `Authorization` header, from a user in the URL. A secret. */
  readonly authorization: string | null;
  /** The flag or variable that decided. */
  readonly chosenBy: string;
}

/** An engine that listens on all addresses is reached at this machine's own. */
const LOOPBACK_OF: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/**
 * The engine that the user asked for: `--api`, else the address that `HOST` and `PORT` make the engine listen on.
 * @throws UsageError never with the password
 */
export function apiTarget(api: string | undefined, variables: Variables): ApiTarget {
  return api === undefined ? targetOfEnvironment(variables) : targetAt(api, '--api');
}

export function urlOf({ url }: ApiTarget, path: string): string {
  return `${url}${path}`;
}

function targetOfEnvironment(variables: Variables): ApiTarget {
  const { values, faults } = readVariables(variables);
  const fault = faults.find(({ key }) => key === 'HOST' || key === 'PORT');
  if (fault !== undefined) throw new UsageError(fault.message);
  const host = LOOPBACK_OF[values.HOST] ?? values.HOST;
  const set = ['HOST', 'PORT'].filter((key) => (variables[key] ?? '') !== '');
  const chosenBy = set.length === 0 ? 'the default of HOST and PORT' : set.join(' and ');
  return targetAt(`http://${isIPv6(host) ? `[${host}]` : host}:${values.PORT}`, chosenBy);
}

function targetAt(text: string, chosenBy: string): ApiTarget {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new UsageError(`${chosenBy} must be a URL that begins with http:// or https://`);
  }
  if (url.search !== '' || url.hash !== '') throw new UsageError(`${chosenBy} must be a URL without ? and #`);
  return {
    url: `${url.origin}${url.pathname.replace(/\/+$/, '')}`,
    authorization: url.username === '' && url.password === '' ? null : basicAuthorization(url, chosenBy),
    chosenBy,
  };
}

function basicAuthorization({ username, password }: URL, chosenBy: string): string {
  try {
    const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    return `Basic ${Buffer.from(login).toString('base64')}`;
  } catch {
    throw new UsageError(`${chosenBy}: the user or password is not percent-encoded`);
  }
}
