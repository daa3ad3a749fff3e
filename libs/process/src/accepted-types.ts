import type { IncomingHttpHeaders } from 'node:http';

/** A weight of zero says: not this one. */
const NOT_ACCEPTED = /^q\s*=\s*0(\.0*)?$/;

/** Whether a client asks for this very type, in small letters; a range such as all of `text` asks for nothing in particular. */
export function asksFor(type: string, { accept }: IncomingHttpHeaders): boolean {
  if (accept === undefined) return false;
  return accept.split(',').some((range) => {
    const [name, ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    return name === type && !parameters.some((parameter) => NOT_ACCEPTED.test(parameter));
  });
}
