const LOCALHOST = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/;

/** Whether browsers may call from there; without a list, as in development, from any localhost. */
export function isAllowedOrigin(origin: string, corsOrigins: readonly string[] | null): boolean {
  return corsOrigins === null ? LOCALHOST.test(origin) : corsOrigins.includes(origin);
}
