import type { Telemetry } from '@livegift/kernel';
import { lastsWithReader, whenOver } from '@livegift/process';
import type { FastifyReply } from 'fastify';

/** A client that has not taken this much is too slow: its stream ends, and it may come back. */
const STREAM_BACKLOG_BYTES_MAX = 4_194_304;

export interface StreamLimits {
  /** After this long without anything to say, a stream says that it is still there. */
  readonly keepAliveMs: number;
  /** A reader that takes nothing of what waits for it for this long loses its stream, and its place. */
  readonly slowReaderMsMax: number;
}

export const STREAM_LIMITS: StreamLimits = { keepAliveMs: 15_000, slowReaderMsMax: 30_000 };

export interface StreamOptions {
  readonly headers: Readonly<Record<string, string>>;
  /** Null: the answer has an end of its own and is never silent for long. */
  readonly keepAlive: string | null;
  readonly limits: StreamLimits;
  readonly telemetry: Telemetry;
}

/** An answer that is written piece by piece, for as long as its reader takes it. */
export class StreamWriter {
  #isOpen = true;
  #slow: NodeJS.Timeout | null = null;
  readonly #keepAlive: NodeJS.Timeout | null;
  readonly #closed: (() => void)[] = [];
  #wake: (() => void) | null = null;

  /** Takes the answer out of Fastify's hands, with the headers that hooks have set (CORS, correlation id). */
  constructor(
    private readonly reply: FastifyReply,
    private readonly options: StreamOptions,
  ) {
    const { raw, request } = reply;
    const { keepAlive, headers, limits } = options;
    const set = reply.getHeaders();
    reply.hijack();
    raw.on('error', () => {});
    raw.on('drain', () => this.#drained());
    raw.writeHead(200, { ...(set as Record<string, string>), ...headers });
    raw.flushHeaders();
    request.raw.socket.setKeepAlive(true, limits.keepAliveMs);
    this.#keepAlive = keepAlive === null ? null : setInterval(() => this.#saySomething(keepAlive), limits.keepAliveMs);
    this.#keepAlive?.unref();
    if (keepAlive !== null) lastsWithReader(request.raw);
    whenOver(request.raw, () => this.#close());
  }

  /** False: the reader has left, or has been dropped. */
  write(text: string): boolean {
    const { raw } = this.reply;
    if (!this.#isOpen || raw.writableEnded) return false;
    this.#keepAlive?.refresh();
    if (!raw.write(text)) this.#slow ??= setTimeout(() => this.#drop(), this.options.limits.slowReaderMsMax).unref();
    if (raw.writableLength > STREAM_BACKLOG_BYTES_MAX) this.#drop();
    return this.#isOpen;
  }

  /** Resolves once the reader has taken what was written: true, or false when it has left or has been dropped. */
  async taken(): Promise<boolean> {
    if (this.#isOpen && this.#slow !== null) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#isOpen;
  }

  end(): void {
    if (this.#isOpen) this.reply.raw.end();
  }

  /** The only way left to say that an answer which has begun is not whole. */
  breakOff(): void {
    // Not the response: while it waits behind another on its connection, it has no socket to destroy.
    this.reply.request.raw.socket.destroy();
  }

  onClose(closed: () => void): void {
    if (this.#isOpen) this.#closed.push(closed);
    else closed();
  }

  #saySomething(keepAlive: string): void {
    if (this.#slow === null) this.write(keepAlive);
  }

  #drained(): void {
    if (this.#slow !== null) clearTimeout(this.#slow);
    this.#slow = null;
    this.#wake?.();
    this.#wake = null;
  }

  #drop(): void {
    this.options.telemetry.count('slow_stream_readers_total');
    this.breakOff();
  }

  #close(): void {
    this.#isOpen = false;
    if (this.#keepAlive !== null) clearInterval(this.#keepAlive);
    this.#drained();
    for (const closed of this.#closed.splice(0)) closed();
  }
}

/** A stream of server-sent events whose every event replaces the one before. */
export class EventStream {
  readonly #writer: StreamWriter;

  constructor(reply: FastifyReply, options: Pick<StreamOptions, 'limits' | 'telemetry'>) {
    this.#writer = new StreamWriter(reply, {
      ...options,
      headers: {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-cache, no-transform',
        'x-accel-buffering': 'no',
      },
      keepAlive: ': keep-alive\n\n',
    });
    this.#writer.write('retry: 1000\n\n');
  }

  send(event: string, value: unknown): void {
    this.#writer.write(`event: ${event}\ndata: ${JSON.stringify(value)}\n\n`);
  }

  end(): void {
    this.#writer.end();
  }

  onClose(closed: () => void): void {
    this.#writer.onClose(closed);
  }
}
