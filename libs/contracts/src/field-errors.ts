/** One rule that a request breaks. */
export interface FieldError {
  /** `body.coins`, `query.limit`, `header.idempotency-key`, … */
  readonly path: string;
  /** A stable name, for programs. */
  readonly rule: string;
  /** The rule in words, for people; begins with the field's name. */
  readonly message: string;
}

/** The rules that no class of a body declares, in words that follow the field's name. */
const WORDS = {
  chunkedOnly: 'must be chunked and nothing else',
  columnCount: 'must have as many fields as the header',
  duplicateKey: 'is there twice in one object',
  exactlyOne: 'must be there exactly once',
  isCursor: 'must be the nextCursor of an earlier page',
  isDefined: 'is required',
  isEmpty: 'must be empty',
  isId: 'must be 1 to 64 of the characters A-Z, a-z, 0-9, ".", "_" and "-", and neither "." nor ".."',
  isInstant: 'must be an RFC 3339 time in UTC, such as 2026-03-01T12:00:00Z',
  isKey: 'must be there once, as 1 to 128 printable ASCII characters',
  isObject: 'must be a JSON object',
  isPosition: 'must be a position that this API answered',
  json: 'must be valid JSON',
  maxBytes: 'is too long',
  notInFuture: 'must not be in the future',
  notTogetherWithFrom: 'cannot be combined with from',
  periodInYears0To9999: 'must name a period between the years 0000 and 9999',
  readable: 'cannot be read',
  unknownEventType: 'must name types of events that this API lists',
  unknownField: 'is not a known field',
  unknownParameter: 'is not a known parameter',
  utf8: 'must be UTF-8',
} as const;

export type FieldRule = keyof typeof WORDS;

export function fieldError(path: string, rule: FieldRule): FieldError {
  return { path, rule, message: `${nameOf(path)} ${WORDS[rule]}` };
}

/** `body.price.currency` is `price.currency` to people; `body` is itself. */
export function nameOf(path: string): string {
  const dot = path.indexOf('.');
  return dot === -1 ? path : path.slice(dot + 1);
}

/** Names come from the request: a long one is cut, so that an error is never as long as the body. */
const NAME_SHOWN_MAX = 64;

/** `body.price.currency` */
export function pathOf(at: string, ...names: readonly string[]): string {
  return [at, ...names.map(shown)].join('.');
}

function shown(name: string): string {
  if (name.length <= NAME_SHOWN_MAX) return name;
  // Never half of a surrogate pair.
  return `${name.slice(0, NAME_SHOWN_MAX).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
