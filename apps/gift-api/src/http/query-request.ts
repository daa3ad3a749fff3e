import type { FieldError } from '@livegift/contracts';
import type { FastifyRequest } from 'fastify';
import type { PageRequest } from '../queries/wallet.queries.js';
import { checkPath } from './command-request.js';
import { readPlaces } from './history-edge.js';
import { invalidRequest } from './problem.js';
import { PAGE_LIMIT_DEFAULT, type PageQuery } from './query-strings.js';
import type { CompiledValidator } from './validation/compiled-validator.js';

/**
 * The query's parameters once they and the path have been checked.
 * @throws ProblemError `invalid-request`, `history-changed`
 */
export function readQuery<Parameters>(request: FastifyRequest, validate: CompiledValidator): Parameters {
  const query = readPlaces(request.server.historySpelling, request.query);
  const errors: FieldError[] = [];
  checkPath(request, errors);
  const found = validate(query);
  if (found !== null) errors.push(...found);
  if (errors.length > 0) throw invalidRequest(errors);
  return query as Parameters;
}

export function pageOf({ after, cursor, limit }: PageQuery): PageRequest {
  return { after, cursor, limit: limit ?? PAGE_LIMIT_DEFAULT };
}
