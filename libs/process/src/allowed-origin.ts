const LOCALHOST = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/;
const WILDCARD = '*.';

/**
 * Whether browsers may call from there. Without a list, as in development, from any localhost.
 * `https://*.example.com` stands for every name below `example.com`, of one label or more, and not for itself.
 */
export function isOriginAllowed(origin: string, corsOrigins: readonly string[] | null): boolean {
  if (corsOrigins === null) return LOCALHOST.test(origin);
  return corsOrigins.some((allowed) => allowed === origin || matchesWildcard(allowed, origin));
}

function matchesWildcard(allowed: string, origin: string): boolean {
  const at = allowed.indexOf(WILDCARD);
  if (at === -1) return false;
  const [scheme, domain] = [allowed.slice(0, at), allowed.slice(at + 1)];
  const labels = origin.slice(scheme.length, -domain.length);
  return origin.startsWith(scheme) && origin.endsWith(domain) && /^[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(labels);
}
