import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';

const ENCODERS = {
  br: (bytes: Buffer) => brotli(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } }),
  gzip: (bytes: Buffer) => promisify(gzip)(bytes),
} as const satisfies Record<string, (bytes: Buffer) => Promise<Buffer>>;
const brotli = promisify(brotliCompress);
/** A quarter of a second for the largest file, once. */
const BROTLI_QUALITY = 5;

type Encoding = keyof typeof ENCODERS;

/** What never changes while the process lives: compressed once for each encoding, when it is first asked for. */
export class CompressedOnce {
  readonly #etag: string;
  readonly #encoded = new Map<Encoding, Promise<Buffer>>();

  constructor(
    private readonly bytes: Buffer,
    private readonly headers: Readonly<Record<string, string>>,
  ) {
    this.#etag = createHash('sha256').update(bytes).digest('base64url').slice(0, 22);
  }

  async send(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const encoding = wanted(request.headers['accept-encoding']);
    const etag = `"${this.#etag}${encoding === null ? '' : `-${encoding}`}"`;
    void reply.headers({ ...this.headers, etag, vary: 'Origin, Accept-Encoding' });
    if (request.headers['if-none-match'] === etag) {
      void reply.code(304).send();
      return;
    }
    if (encoding !== null) void reply.header('content-encoding', encoding);
    void reply.send(encoding === null ? this.bytes : await this.#in(encoding));
  }

  #in(encoding: Encoding): Promise<Buffer> {
    const known = this.#encoded.get(encoding) ?? ENCODERS[encoding](this.bytes);
    this.#encoded.set(encoding, known);
    return known;
  }
}

/** The first of ours that the client takes. */
function wanted(accepted: string | undefined): Encoding | null {
  const offers = (accepted ?? '').split(',').map((offer) => offer.trim().toLowerCase());
  const isTaken = (encoding: string): boolean =>
    offers.some((offer) => new RegExp(`^(${encoding}|\\*)(\\s*;\\s*q=(1(\\.0*)?|0?\\.\\d*[1-9]\\d*))?$`).test(offer));
  return (Object.keys(ENCODERS) as Encoding[]).find(isTaken) ?? null;
}
