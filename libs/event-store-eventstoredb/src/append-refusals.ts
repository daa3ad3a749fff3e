import { ErrorType } from '@eventstore/db-client';
import sharedPb from '@eventstore/db-client/generated/shared_pb.js';
import type statusPb from '@eventstore/db-client/generated/status_pb.js';
import { wrongExpectedRevision } from './server-errors.js';

type Status = InstanceType<typeof statusPb.Status>;
type Details = NonNullable<ReturnType<Status['getDetails']>>;

const PACKAGE = 'event_store.client.';
/** Refused before anything was done; anything else may have been written, as far as we know. */
const TYPES: Readonly<Record<string, ErrorType>> = {
  AccessDenied: ErrorType.ACCESS_DENIED,
  StreamDeleted: ErrorType.STREAM_DELETED,
  BadRequest: ErrorType.INVALID_ARGUMENT,
};

/** An answer that is a refusal, as the error that a call of its own would have failed with. */
class AnsweredError extends Error {
  constructor(
    readonly type: ErrorType,
    message: string,
  ) {
    super(message);
  }
}

/** What the server answered to one of the appends of a long call, instead of a success. */
export function answeredRefusal(status: Status): Error {
  const details = status.getDetails();
  const name = details?.getTypeName() ?? '';
  const kind = name.startsWith(PACKAGE) ? name.slice(PACKAGE.length) : '';
  if (kind === 'WrongExpectedVersion') return wrongExpectedRevision(currentRevision(details!));
  const type = kind.startsWith('Maximum') ? ErrorType.MAXIMUM_APPEND_SIZE_EXCEEDED : TYPES[kind];
  return new AnsweredError(type ?? ErrorType.UNKNOWN, status.getMessage());
}

function currentRevision(details: Details): bigint | null {
  const wrong = sharedPb.WrongExpectedVersion.deserializeBinary(details.getValue_asU8());
  return wrong.hasCurrentStreamRevision() ? BigInt(wrong.getCurrentStreamRevision()) : null;
}
