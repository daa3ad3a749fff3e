import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { RawProblem } from './raw-problem.js';

/** How long a client may go on sending after the last bytes it gets; then its descriptor is taken back. */
const LINGER_MS_MAX = 2_000;

/** The answer to what cannot be answered through a response: it ends the connection. */
export function rawAnswer(problem: RawProblem, headers: Readonly<Record<string, string>> = {}): string {
  const more = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const body = JSON.stringify(problem);
  const retryAfter = problem.status === 503 ? 'Retry-After: 1\r\n' : '';
  return (
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? 'Error'}\r\n` +
    `Content-Type: application/problem+json; charset=utf-8\r\nCache-Control: no-store\r\n${retryAfter}${more.join('')}` +
    `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`
  );
}

/**
 * Sends the last bytes and destroys the connection: when the client has closed its side, or after `LINGER_MS_MAX`. Destroying
 * it at once, while input is unread, would reset the connection and lose the answer; ending it without destroying it would
 * leave the descriptor to the client.
 */
export function endWith(socket: Duplex, lastBytes: string): void {
  socket.on('error', () => {});
  const timer = setTimeout(() => socket.destroy(), LINGER_MS_MAX);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
  const destroyOnceSent = (): void => {
    if (socket.writableFinished) socket.destroy();
    else socket.once('finish', () => socket.destroy());
  };
  socket.end(lastBytes);
  if (socket.readableEnded) destroyOnceSent();
  else socket.once('end', destroyOnceSent).resume();
}
