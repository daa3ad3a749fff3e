import type { AppendOutcome, Expected, LogRecord, ProposedEvent } from './stand-in.log.js';
import {
  Any,
  sharedPb,
  statusPb,
  streamsPb,
  wellKnownEmpty,
  type BatchAppendResp,
  type ReadResp,
  type UUID,
} from './protocol.js';

export function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}

export function uuidOf(uuid: UUID): string {
  const structured = uuid.getStructured();
  if (structured === undefined) return uuid.getString();
  const half = (bits: string): string => BigInt.asUintN(64, BigInt(bits)).toString(16).padStart(16, '0');
  const hex = half(structured.getMostSignificantBits()) + half(structured.getLeastSignificantBits());
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** The same id as two numbers with a sign. */
export function structuredOf(uuid: UUID): UUID {
  const hex = uuidOf(uuid).replaceAll('-', '');
  const half = (from: number): string => String(BigInt.asIntN(64, BigInt(`0x${hex.slice(from, from + 16)}`)));
  const structured = new sharedPb.UUID.Structured();
  structured.setMostSignificantBits(half(0));
  structured.setLeastSignificantBits(half(16));
  const message = new sharedPb.UUID();
  message.setStructured(structured);
  return message;
}

interface Proposed {
  getId(): UUID | undefined;
  getMetadataMap(): { get(key: string): string | undefined };
  getData_asU8(): Uint8Array;
  getCustomMetadata_asU8(): Uint8Array;
}

export function proposedEvent(message: Proposed): ProposedEvent {
  return {
    id: uuidOf(message.getId()!),
    type: message.getMetadataMap().get('type')!,
    contentType: message.getMetadataMap().get('content-type')!,
    data: Buffer.from(message.getData_asU8()),
    metadata: Buffer.from(message.getCustomMetadata_asU8()),
  };
}

/** The newest records are read by every subscription there is, and by whoever wrote them. */
const ENCODED_MAX = 4_096;
const encoded = new Map<LogRecord, Buffer>();

/** As it goes out, made once. */
export function encodedEvent(record: LogRecord): Buffer {
  let bytes = encoded.get(record);
  if (bytes !== undefined) return bytes;
  bytes = Buffer.from(eventMessage(record).serializeBinary());
  if (encoded.size >= ENCODED_MAX) encoded.delete(encoded.keys().next().value!);
  encoded.set(record, bytes);
  return bytes;
}

function eventMessage(record: LogRecord): ReadResp {
  const position = String(record.position);
  const event = new streamsPb.ReadResp.ReadEvent.RecordedEvent();
  const id = new sharedPb.UUID();
  id.setString(record.id);
  event.setId(id);
  event.setStreamIdentifier(streamIdentifier(record.stream));
  event.setStreamRevision(String(record.revision));
  event.setCommitPosition(position);
  event.setPreparePosition(position);
  event.getMetadataMap().set('type', record.type);
  event.getMetadataMap().set('content-type', record.contentType);
  event.getMetadataMap().set('created', record.created);
  event.setData(new Uint8Array(record.data));
  event.setCustomMetadata(new Uint8Array(record.metadata));
  const resolved = new streamsPb.ReadResp.ReadEvent();
  resolved.setEvent(event);
  resolved.setCommitPosition(position);
  const response = new streamsPb.ReadResp();
  response.setEvent(resolved);
  return response;
}

export function streamNotFound(stream: string): ReadResp {
  const notFound = new streamsPb.ReadResp.StreamNotFound();
  notFound.setStreamIdentifier(streamIdentifier(stream));
  const response = new streamsPb.ReadResp();
  response.setStreamNotFound(notFound);
  return response;
}

export function confirmation(subscriptionId: string): ReadResp {
  const confirmed = new streamsPb.ReadResp.SubscriptionConfirmation();
  confirmed.setSubscriptionId(subscriptionId);
  const response = new streamsPb.ReadResp();
  response.setConfirmation(confirmed);
  return response;
}

export function checkpoint(commit: number | bigint, prepare: number | bigint): ReadResp {
  const reached = new streamsPb.ReadResp.Checkpoint();
  reached.setCommitPosition(String(commit));
  reached.setPreparePosition(String(prepare));
  const response = new streamsPb.ReadResp();
  response.setCheckpoint(reached);
  return response;
}

export function caughtUp(): ReadResp {
  const response = new streamsPb.ReadResp();
  response.setCaughtUp(new streamsPb.ReadResp.CaughtUp());
  return response;
}

export function fellBehind(): ReadResp {
  const response = new streamsPb.ReadResp();
  response.setFellBehind(new streamsPb.ReadResp.FellBehind());
  return response;
}

export function batchAnswer(
  correlationId: UUID,
  stream: string,
  expected: Expected,
  outcome: AppendOutcome,
): BatchAppendResp {
  const response = new streamsPb.BatchAppendResp();
  response.setCorrelationId(correlationId);
  response.setStreamIdentifier(streamIdentifier(stream));
  if (outcome.kind === 'appended') {
    const success = new streamsPb.BatchAppendResp.Success();
    success.setCurrentRevision(String(outcome.revision));
    const position = new sharedPb.AllStreamPosition();
    position.setCommitPosition(String(outcome.position));
    position.setPreparePosition(String(outcome.position));
    success.setPosition(position);
    response.setSuccess(success);
    return response;
  }
  const details = outcome.kind === 'too-large' ? null : wrongExpectedVersion(expected, outcome.current);
  const kind = outcome.kind === 'too-large' ? 'MaximumAppendSizeExceeded' : 'WrongExpectedVersion';
  response.setError(statusOf(kind, kind, details?.serializeBinary()));
  return response;
}

/** @param kind the server's name for it, where it has one */
export function batchRefusal(correlationId: UUID, stream: string, words: string, kind?: string): BatchAppendResp {
  const response = new streamsPb.BatchAppendResp();
  response.setCorrelationId(correlationId);
  response.setStreamIdentifier(streamIdentifier(stream));
  response.setError(statusOf(words, kind));
  return response;
}

function statusOf(words: string, kind?: string, details: Uint8Array = new Uint8Array()) {
  const packed = new Any();
  packed.pack(details, kind === undefined ? 'google.protobuf.Empty' : `event_store.client.${kind}`);
  const status = new statusPb.Status();
  status.setMessage(words);
  status.setDetails(packed as never);
  return status;
}

function wrongExpectedVersion(expected: Expected, current: number | null) {
  const error = new sharedPb.WrongExpectedVersion();
  if (current === null) error.setCurrentNoStream(new wellKnownEmpty.Empty());
  else error.setCurrentStreamRevision(String(current));
  if (typeof expected === 'number') error.setExpectedStreamPosition(String(expected));
  else if (expected === 'no-stream') error.setExpectedNoStream(new wellKnownEmpty.Empty());
  else if (expected === 'stream-exists') error.setExpectedStreamExists(new wellKnownEmpty.Empty());
  else error.setExpectedAny(new wellKnownEmpty.Empty());
  return error;
}

function streamIdentifier(stream: string) {
  const identifier = new sharedPb.StreamIdentifier();
  identifier.setStreamName(new Uint8Array(Buffer.from(stream, 'utf8')));
  return identifier;
}
