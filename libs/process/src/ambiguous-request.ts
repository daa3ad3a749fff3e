import type { IncomingMessage } from 'node:http';
import { fieldError, type FieldError } from '@livegift/contracts';

/**
 * What two readers of one request could read differently, and so use to get past a proxy's rules; null in every sane request.
 * Node takes the first of two `Host` headers, and passes on a body in a transfer coding that it does not decode.
 */
export function ambiguityOf({ rawHeaders, headers, httpVersion }: IncomingMessage): FieldError | null {
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!;
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++;
  }
  if (hosts > 1 || (hosts === 0 && httpVersion === '1.1')) return fieldError('header.host', 'exactlyOne');
  const coding = headers['transfer-encoding'];
  if (coding !== undefined && coding.toLowerCase() !== 'chunked')
    return fieldError('header.transfer-encoding', 'chunkedOnly');
  return null;
}
