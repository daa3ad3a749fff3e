import sharedPb from '@eventstore/db-client/generated/shared_pb.js';
import streamsPb from '@eventstore/db-client/generated/streams_pb.js';
import type { ExpectedRevision } from '@livegift/event-store';
import type { Position } from '@livegift/kernel';
import type { WireEvent } from './event.mapping.js';
import { positionOf } from './position.js';

export type Request = InstanceType<typeof streamsPb.BatchAppendReq>;
export type Answer = InstanceType<typeof streamsPb.BatchAppendResp>;

export interface AppendAnswer {
  /** Of the last event. */
  readonly revision: number;
  /** Which event's, if any's, differs between versions of the server. */
  readonly position: Position | null;
}

/** @throws Error when it is none that can be understood */
export function successOf(answer: Answer): AppendAnswer {
  const success = answer.getSuccess();
  if (success?.hasCurrentRevision() !== true) throw new Error('it says neither where the stream is nor why not');
  const told = success.getPosition();
  const position =
    told === undefined
      ? null
      : positionOf({ commit: BigInt(told.getCommitPosition()), prepare: BigInt(told.getPreparePosition()) });
  return { revision: Number(success.getCurrentRevision()), position };
}

/** No deadline goes with it: that would be a time of this machine's clock. The server has one of its own. */
export function requestOf(
  id: string,
  stream: string,
  events: readonly WireEvent[],
  expected: ExpectedRevision,
): Request {
  const options = new streamsPb.BatchAppendReq.Options();
  const identifier = new sharedPb.StreamIdentifier();
  identifier.setStreamName(Buffer.from(stream));
  options.setStreamIdentifier(identifier);
  if (expected === 'no-stream') options.setNoStream(new sharedPb.Empty());
  else options.setStreamPosition(String(expected));
  const request = new streamsPb.BatchAppendReq();
  request.setCorrelationId(uuid(id));
  request.setOptions(options);
  request.setProposedMessagesList(events.map(proposed));
  request.setIsFinal(true);
  return request;
}

function proposed({ id, type, data, metadata }: WireEvent) {
  const message = new streamsPb.BatchAppendReq.ProposedMessage();
  message.setId(uuid(id));
  message.getMetadataMap().set('type', type).set('content-type', 'application/json');
  message.setData(data);
  message.setCustomMetadata(metadata);
  return message;
}

function uuid(text: string) {
  const message = new sharedPb.UUID();
  message.setString(text);
  return message;
}

/** The server answers in whichever of two forms it likes. */
export function idOf(id: InstanceType<typeof sharedPb.UUID> | undefined): string {
  const structured = id?.getStructured();
  if (structured === undefined) return id?.getString().toLowerCase() ?? '';
  const half = (bits: string): string => BigInt.asUintN(64, BigInt(bits)).toString(16).padStart(16, '0');
  const hex = half(structured.getMostSignificantBits()) + half(structured.getLeastSignificantBits());
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
