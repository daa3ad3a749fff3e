import type { Problem } from './answers.js';
import type { FieldError } from './field-errors.js';

interface ProblemKind {
  readonly status: number;
  readonly title: string;
}

/**
 * Every problem code that any process answers, with its status and its title, by status. Codes are never renamed and never
 * change their status.
 */
export const PROBLEMS = {
  'invalid-request': { status: 400, title: 'The request is not valid' },
  'idempotency-key-required': { status: 400, title: 'This command needs an Idempotency-Key' },
  unauthenticated: { status: 401, title: 'Credentials are missing or not valid' },
  'balance-too-low': { status: 402, title: 'The wallet does not hold enough coins' },
  forbidden: { status: 403, title: 'Not allowed' },
  'age-not-assured': { status: 403, title: "The viewer's age is not assured" },
  'wallet-frozen': { status: 403, title: 'The wallet is frozen' },
  'not-found': { status: 404, title: 'No such route' },
  'wallet-not-found': { status: 404, title: 'No such wallet' },
  'creator-not-found': { status: 404, title: 'No such creator' },
  'room-not-found': { status: 404, title: 'No such room' },
  'gift-not-found': { status: 404, title: 'No such gift' },
  'method-not-allowed': { status: 405, title: 'Method is not allowed here' },
  'request-timeout': { status: 408, title: 'The request took too long to arrive' },
  'wallet-exists': { status: 409, title: 'Wallet already exists with different data' },
  'room-exists': { status: 409, title: 'Room already exists with different data' },
  'room-closed': { status: 409, title: 'The room is closed' },
  'payment-already-used': { status: 409, title: 'The payment has already bought coins' },
  'room-creator-mismatch': { status: 409, title: 'The room belongs to another creator' },
  contention: { status: 409, title: 'Too many writers at once' },
  'period-expired': { status: 410, title: 'The period is no longer kept' },
  'history-changed': { status: 410, title: 'A backup was restored' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'too-many-lines': { status: 413, title: 'Too many lines' },
  'uri-too-long': { status: 414, title: 'The address is too long' },
  'unsupported-media-type': { status: 415, title: 'The media type is not supported' },
  'expectation-failed': { status: 417, title: 'The expectation cannot be met' },
  'balance-limit': { status: 422, title: 'The wallet would hold too much' },
  'gift-unknown': { status: 422, title: 'The catalogue has no such gift' },
  'amount-limit': { status: 422, title: 'Too many coins for one command' },
  'creator-limit': { status: 422, title: 'The creator has earned as much as can be counted' },
  'cannot-gift-self': { status: 422, title: 'A creator cannot send gifts to itself' },
  'idempotency-key-reused': { status: 422, title: 'The Idempotency-Key was used for another body' },
  'import-id-reused': { status: 422, title: 'The importId was used for other content' },
  'upgrade-required': { status: 426, title: 'This address takes WebSockets' },
  'rate-limited': { status: 429, title: 'Too many requests' },
  'headers-too-large': { status: 431, title: 'The headers are too large' },
  'internal-error': { status: 500, title: 'Unexpected failure' },
  overloaded: { status: 503, title: 'Too busy' },
  unavailable: { status: 503, title: 'Not available' },
  'read-model-rebuilding': { status: 503, title: 'The read model is being rebuilt' },
  'read-model-behind': { status: 504, title: 'The read model has not reached that position' },
} as const satisfies Record<string, ProblemKind>;

export type ProblemCode = keyof typeof PROBLEMS;

/** RFC 9457. `extra` never hides one of its members. */
export function problemDocument(
  code: ProblemCode,
  detail: string,
  errors?: readonly FieldError[],
  extra?: Readonly<Record<string, unknown>>,
): Problem {
  const { status, title } = PROBLEMS[code];
  return {
    ...extra,
    type: `urn:livegift:problem:${code}`,
    title,
    status,
    detail,
    code,
    ...(errors === undefined ? {} : { errors }),
  };
}
