/** A problem document, for an answer that no HTTP server writes any more. */
export interface RawProblem {
  readonly status: number;
}

export type RawProblemCode =
  | 'invalid-request'
  | 'headers-too-large'
  | 'request-timeout'
  | 'expectation-failed'
  | 'method-not-allowed'
  | 'unavailable';

export const DETAILS: Record<RawProblemCode, string> = {
  'invalid-request': 'not a readable HTTP request',
  'headers-too-large': 'the headers are larger than 16 KiB',
  'request-timeout': 'the request took too long to arrive',
  'expectation-failed': 'the only expectation that this server meets is 100-continue',
  'method-not-allowed': 'this server is no proxy',
  unavailable: 'Server is shutting down; retry',
};

/** Of what Node says in `clientError`. */
export function codeOf({ code }: NodeJS.ErrnoException): RawProblemCode {
  if (code === 'HPE_HEADER_OVERFLOW') return 'headers-too-large';
  return code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'request-timeout' : 'invalid-request';
}
