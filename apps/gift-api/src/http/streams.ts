import type { FastifyReply } from 'fastify';

/** A client that has not taken this much is too slow: its stream ends, and it may come back. */
const STREAM_BACKLOG_BYTES_MAX = 4_194_304;
const KEEP_ALIVE_MS = 15_000;

/** Takes the answer out of Fastify's hands, with the headers that hooks have set (CORS, correlation id). */
export function beginStream(reply: FastifyReply, headers: Readonly<Record<string, string>>): void {
  const set = reply.getHeaders();
  reply.hijack();
  reply.raw.writeHead(200, { ...(set as Record<string, string>), ...headers });
  reply.raw.flushHeaders();
  reply.raw.socket?.setKeepAlive(true, KEEP_ALIVE_MS);
}

/** Resolves when the client can take more: true, or false when it has gone. */
export function writable({ raw }: FastifyReply): Promise<boolean> {
  if (raw.destroyed || raw.writableEnded) return Promise.resolve(false);
  if (!raw.writableNeedDrain) return Promise.resolve(true);
  return new Promise((resolve) => {
    const settle = (isOpen: boolean) => (): void => {
      raw.off('drain', drained);
      raw.off('close', closed);
      resolve(isOpen);
    };
    const drained = settle(true);
    const closed = settle(false);
    raw.once('drain', drained);
    raw.once('close', closed);
  });
}

/** A stream of server-sent events whose every event replaces the one before. */
export class EventStream {
  readonly #keepAlive: NodeJS.Timeout;

  constructor(private readonly reply: FastifyReply) {
    beginStream(reply, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
    this.#keepAlive = setInterval(() => this.#write(': keep-alive\n\n'), KEEP_ALIVE_MS);
    this.#keepAlive.unref();
    reply.raw.once('close', () => clearInterval(this.#keepAlive));
    this.#write('retry: 1000\n\n');
  }

  send(event: string, value: unknown): void {
    this.#write(`event: ${event}\ndata: ${JSON.stringify(value)}\n\n`);
  }

  end(): void {
    clearInterval(this.#keepAlive);
    this.reply.raw.end();
  }

  onClose(closed: () => void): void {
    if (this.reply.raw.destroyed) closed();
    else this.reply.raw.once('close', closed);
  }

  #write(text: string): void {
    const { raw } = this.reply;
    if (raw.destroyed || raw.writableEnded) return;
    if (raw.writableLength > STREAM_BACKLOG_BYTES_MAX) raw.destroy();
    else raw.write(text);
  }
}
