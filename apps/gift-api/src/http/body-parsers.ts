import { fieldError } from '@livegift/contracts';
import { isUtf8 } from 'node:buffer';
import { whenOver } from '@livegift/process';
import type {
  FastifyInstance,
  FastifyRequest,
  onRequestHookHandler,
  onSendHookHandler,
  preHandlerHookHandler,
} from 'fastify';
import { duplicateKeyError, parseJson } from './json-text.js';
import { invalidRequest, ProblemError } from './problem.js';

/** Addresses that take lines of JSON; all others take one JSON object. */
export const LINE_ROUTES: ReadonlySet<string> = new Set(['/v1/gifts/bulk', '/v1/history/import']);
export const LINES_CONTENT_TYPES = ['application/x-ndjson', 'application/ndjson', 'application/jsonl'];
/** Bodies of lines that are read or worked on at once; more are told to come back. */
const LINE_BODIES_AT_ONCE_MAX = 16;

export interface BodyLimits {
  readonly bodyBytesMax: number;
  readonly bulkBodyBytesMax: number;
}

/**
 * JSON bodies as values and NDJSON bodies as bytes. What is parsed goes through validators that refuse every field they do
 * not know, `__proto__` and `constructor` among them, so nothing of it is ever merged.
 */
export function registerBodyParsers(server: FastifyInstance, limits: BodyLimits): void {
  server.removeAllContentTypeParsers();
  server.addContentTypeParser<Buffer>(
    'application/json',
    { parseAs: 'buffer', bodyLimit: limits.bodyBytesMax },
    (request, bytes, done) => {
      if (takesLines(request) || !isInUtf8(request)) return done(wrongType(request));
      if (bytes.length === 0) return done(null, undefined);
      // Decoding alone would put U+FFFD in place of what is no text, and keep it for ever.
      if (!isUtf8(bytes)) return done(invalidRequest([fieldError('body', 'utf8')]));
      try {
        const parsed = parseJson(bytes.toString('utf8'));
        if ('value' in parsed) done(null, parsed.value);
        else done(invalidRequest([duplicateKeyError(parsed.duplicateKey)]));
      } catch {
        done(invalidRequest([fieldError('body', 'json')]));
      }
    },
  );
  server.addContentTypeParser<Buffer>(
    LINES_CONTENT_TYPES,
    { parseAs: 'buffer', bodyLimit: limits.bulkBodyBytesMax },
    (request, bytes, done) => (takesLines(request) && isInUtf8(request) ? done(null, bytes) : done(wrongType(request))),
  );
}

/** Bulk bodies are large, so only some are taken at once. */
export function boundLineBodies(server: FastifyInstance): void {
  const places = new LineBodyPlaces();
  const take: onRequestHookHandler = (request, reply, done) => {
    if (places.take(request)) return done();
    void reply.header('connection', 'close');
    done(new ProblemError('overloaded', 'too many bulk requests at once'));
  };
  const beginWork: preHandlerHookHandler = (request, _reply, done) => {
    places.beginWork(request);
    done();
  };
  // Also of an answer that waits behind another on its connection: what is left of the request is its answer's lines.
  const giveBack: onSendHookHandler<unknown> = (request, _reply, payload, done) => {
    places.giveBack(request);
    done(null, payload);
  };
  // On these routes only: all others are spared the calls.
  server.addHook('onRoute', (route) => {
    if (!LINE_ROUTES.has(route.url)) return;
    route.onRequest = [route.onRequest ?? [], take].flat();
    route.preHandler = [route.preHandler ?? [], beginWork].flat();
    route.onSend = [route.onSend ?? [], giveBack].flat();
  });
}

/**
 * The place of a request whose body is still arriving goes with its connection. Once its lines are being worked on, the place
 * is given back when the work is done: otherwise a client that hangs up could have any number of bodies worked on at once.
 */
class LineBodyPlaces {
  readonly #holders = new Map<FastifyRequest, 'receiving' | 'working'>();

  take(request: FastifyRequest): boolean {
    if (this.#holders.size >= LINE_BODIES_AT_ONCE_MAX) return false;
    this.#holders.set(request, 'receiving');
    whenOver(request.raw, () => {
      if (this.#holders.get(request) === 'receiving') this.#holders.delete(request);
    });
    return true;
  }

  beginWork(request: FastifyRequest): void {
    if (this.#holders.has(request)) this.#holders.set(request, 'working');
  }

  giveBack(request: FastifyRequest): void {
    this.#holders.delete(request);
  }
}

const takesLines = (request: FastifyRequest): boolean => LINE_ROUTES.has(request.routeOptions.url ?? '');

/** JSON is UTF-8 and nothing else: what comes in another charset would be read wrongly, and kept so. */
function isInUtf8({ headers }: FastifyRequest): boolean {
  const type = headers['content-type'];
  if (type === undefined || !type.includes(';')) return true;
  const charsets = type.matchAll(/;\s*charset\s*=\s*"?([^\s";]*)/gi);
  return Array.from(charsets).every(([, charset]) => /^utf-?8$/i.test(charset!));
}

const wrongType = (request: FastifyRequest): ProblemError => {
  const wanted = takesLines(request) ? 'application/x-ndjson' : 'application/json';
  return new ProblemError('unsupported-media-type', `this address takes ${wanted} in UTF-8`);
};
