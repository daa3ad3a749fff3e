import type { IncomingHttpHeaders } from 'node:http';
import { asksFor } from './accepted-types.js';

/** Answers that say: come back. */
const COME_BACK = new Set([429, 503]);
const RETRY_MS = 1_000;

export const PUT_OFF_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store, no-transform',
} as const;

/**
 * Whether a refusal is sent as a stream that ends at once. A standard EventSource closes for good at any status but 200; when
 * a stream ends, it reconnects by itself.
 */
export function putsOffStream(
  { method, headers }: { readonly method?: string; readonly headers: IncomingHttpHeaders },
  status: number,
): boolean {
  return COME_BACK.has(status) && method === 'GET' && asksFor('text/event-stream', headers);
}

/** The whole of that stream. Its comment is for people who look at it. */
export function putOffStream({ status, code }: { readonly status: number; readonly code: string }): string {
  return `: ${status} ${code}\nretry: ${RETRY_MS}\n\n`;
}
