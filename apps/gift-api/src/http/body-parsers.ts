import { isUtf8 } from 'node:buffer';
import type { FastifyInstance, FastifyRequest } from 'fastify';
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
 * JSON bodies as values and NDJSON bodies as bytes. `JSON.parse` is enough: what it makes goes through validators that
 * refuse every field they do not know, `__proto__` and `constructor` among them, so nothing of it is ever merged.
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
      if (!isUtf8(bytes)) return done(invalidRequest([{ path: 'body', rule: 'utf8' }]));
      try {
        done(null, JSON.parse(bytes.toString('utf8')));
      } catch {
        done(invalidRequest([{ path: 'body', rule: 'json' }]));
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
  let bodies = 0;
  server.addHook('onRequest', (request, reply, done) => {
    if (!takesLines(request)) return done();
    if (bodies >= LINE_BODIES_AT_ONCE_MAX) {
      void reply.header('connection', 'close');
      return done(new ProblemError('overloaded', 'too many bulk requests at once'));
    }
    bodies++;
    reply.raw.once('close', () => bodies--);
    done();
  });
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
