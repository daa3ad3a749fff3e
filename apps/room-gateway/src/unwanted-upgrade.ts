import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';

/** What is said of the offer itself. */
const OFFER = new Set(['upgrade', 'http2-settings']);

/**
 * Java's own client, and some others, offer with a request to go on in HTTP/2. A server may pass that over (RFC 9110, 7.8),
 * but as soon as anybody listens for upgrades Node takes every offer for one: so the request is read again without it.
 */
export function readWithoutUpgrade(server: Server, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const { method, url, httpVersion, rawHeaders } = request;
  const lines = [`${method} ${url} HTTP/${httpVersion}`];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!;
    const value = rawHeaders[index + 1]!;
    if (name.toLowerCase() === 'connection') lines.push(`${name}: ${withoutOffer(value)}`);
    else if (!OFFER.has(name.toLowerCase())) lines.push(`${name}: ${value}`);
  }
  // Node reads a head as Latin-1, so this is what came, byte for byte.
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  server.emit('connection', socket);
}

function withoutOffer(connection: string): string {
  const options = connection.split(',').map((option) => option.trim());
  return options.filter((option) => !OFFER.has(option.toLowerCase())).join(', ');
}
