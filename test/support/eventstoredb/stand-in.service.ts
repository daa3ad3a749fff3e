import { randomUUID } from 'node:crypto';
import type {
  sendUnaryData,
  ServerDuplexStream,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
} from '@grpc/grpc-js';
import {
  APPEND_BYTES_MAX,
  type AppendOutcome,
  type Expected,
  type ProposedEvent,
  type StandInLog,
} from './stand-in.log.js';
import { takeOne, type StandInFaults } from './stand-in.faults.js';
import { batchAnswer, batchRefusal, proposedEvent, structuredOf, textOf, uuidOf } from './stand-in.messages.js';
import {
  featuresPb,
  grpc,
  ServerFeaturesService,
  sharedPb,
  StreamsService,
  streamsPb,
  wellKnownEmpty,
} from './protocol.js';
import type {
  AppendReq,
  AppendResp,
  BatchAppendReq,
  BatchAppendResp,
  Empty,
  ReadAnswer,
  ReadReq,
  SupportedMethods,
  UUID,
} from './protocol.js';
import { answerRead } from './stand-in.reads.js';

/** Users whose names and passwords are asked for; null lets everybody in, as an insecure server does. */
export type StandInUsers = Readonly<Record<string, string>> | null;

export function featuresImplementation() {
  return {
    getSupportedMethods(_: ServerUnaryCall<Empty, SupportedMethods>, answer: sendUnaryData<SupportedMethods>): void {
      const supported = new featuresPb.SupportedMethods();
      supported.setEventStoreServerVersion('23.10.0');
      const methods = [...Object.values(StreamsService), ...Object.values(ServerFeaturesService)].map(({ path }) => {
        const [, service, name] = path.split('/');
        const method = new featuresPb.SupportedMethod();
        method.setServiceName(service!.toLowerCase());
        method.setMethodName(name!.toLowerCase());
        return method;
      });
      supported.setMethodsList(methods);
      answer(null, supported);
    },
  };
}

/** Where the leader is, asked anew for each call; null: this one is. A follower is asked in vain for what only it may do. */
export type StandInLeader = () => { readonly host: string; readonly port: number } | null;

export function streamsImplementation(
  log: StandInLog,
  faults: StandInFaults,
  users: StandInUsers,
  leader: StandInLeader,
) {
  return {
    async read(call: ServerWritableStream<ReadReq, ReadAnswer>): Promise<void> {
      const refused = refusal(call.metadata, users);
      if (refused !== null) return void call.emit('error', refused);
      const elsewhere = leader();
      if (elsewhere !== null && requiresLeader(call.metadata)) return void call.emit('error', notLeader(elsewhere));
      if (takeOne(faults, 'readsFailing')) return void call.emit('error', unavailable());
      await answerRead(log, call, randomUUID(), faults);
    },

    append(call: ServerReadableStream<AppendReq, AppendResp>, answer: sendUnaryData<AppendResp>): void {
      const refused = refusal(call.metadata, users);
      if (refused !== null) return answer(refused);
      let options: AppendReq.Options | undefined;
      const events: ProposedEvent[] = [];
      call.on('data', (request: AppendReq) => {
        options ??= request.getOptions();
        const message = request.getProposedMessage();
        if (message !== undefined) events.push(proposedEvent(message));
      });
      call.on('end', () => {
        setImmediate(append);
      });
      const append = (): void => {
        // A client that died in the middle ends its stream too; a real server appends all that was meant, or nothing.
        if (call.cancelled) return;
        const elsewhere = leader();
        if (elsewhere !== null && requiresLeader(call.metadata)) return answer(notLeader(elsewhere));
        if (takeOne(faults, 'appendsRefused')) return answer(notReady());
        if (takeOne(faults, 'appendsLeaderless')) return answer(noLeader());
        if (takeOne(faults, 'eventsTooLarge')) return answer(eventTooLarge());
        const stream = textOf(options!.getStreamIdentifier()!.getStreamName_asU8());
        const expected = expectedOf(
          options!,
          () => options!.hasRevision(),
          () => options!.getRevision(),
        );
        void log.append(stream, expected, events).then((outcome) => {
          if (takeOne(faults, 'appendsHeldUp')) return;
          if (takeOne(faults, 'appendsUnanswered')) answer(unavailable());
          else if (outcome.kind === 'too-large') answer(tooLarge());
          else answer(null, appendAnswer(expected, outcome));
        });
      };
    },

    batchAppend(call: ServerDuplexStream<BatchAppendReq, BatchAppendResp>): void {
      const refused = refusal(call.metadata, users);
      if (refused !== null) return void call.emit('error', refused);
      const isDead = takeOne(faults, 'appendCallsDead');
      const underway = new Map<string, { options: BatchAppendReq.Options; events: ProposedEvent[] }>();
      call.on('data', (request: BatchAppendReq) => {
        if (isDead) return;
        const correlation = request.getCorrelationId()!;
        const id = uuidOf(correlation);
        const batch = underway.get(id) ?? { options: request.getOptions()!, events: [] };
        underway.set(id, batch);
        batch.events.push(...request.getProposedMessagesList().map(proposedEvent));
        if (!request.getIsFinal()) return;
        underway.delete(id);
        void answerBatch(log, call, correlation, batch, faults, leader);
      });
      call.on('end', () => call.end());
      call.on('error', () => {});
    },
  };
}

async function answerBatch(
  log: StandInLog,
  call: ServerDuplexStream<BatchAppendReq, BatchAppendResp>,
  correlation: UUID,
  { options, events }: { options: BatchAppendReq.Options; events: ProposedEvent[] },
  faults: StandInFaults,
  leader: StandInLeader,
): Promise<void> {
  const stream = textOf(options.getStreamIdentifier()!.getStreamName_asU8());
  const expected = expectedOf(
    options,
    () => options.hasStreamPosition(),
    () => options.getStreamPosition(),
  );
  const refuse = (words: string, kind?: string): unknown => call.write(batchRefusal(correlation, stream, words, kind));
  const elsewhere = leader();
  // This one ends the call, and with it what else is on its way.
  if (elsewhere !== null && requiresLeader(call.metadata)) return void call.emit('error', notLeader(elsewhere));
  if (takeOne(faults, 'appendsRefused')) return void refuse('Server Is Not Ready');
  if (takeOne(faults, 'appendsLeaderless')) return void refuse('No leader info available in response');
  if (takeOne(faults, 'eventsTooLarge')) {
    return void refuse('MaximumAppendEventSizeExceeded', 'MaximumAppendEventSizeExceeded');
  }
  const outcome = await log.append(stream, expected, events);
  if (takeOne(faults, 'appendsHeldUp') || call.cancelled) return;
  if (takeOne(faults, 'appendsUnanswered')) return void call.emit('error', unavailable());
  if (takeOne(faults, 'appendCallsEnded')) return void call.end();
  const answer = batchAnswer(correlation, stream, expected, outcome);
  if (takeOne(faults, 'answersEmpty')) answer.clearSuccess();
  if (takeOne(faults, 'answersNowhere')) answer.getSuccess()!.setNoStream(new wellKnownEmpty.Empty());
  if (takeOne(faults, 'answersStructured')) answer.setCorrelationId(structuredOf(correlation));
  call.write(answer);
}

function expectedOf(
  options: { hasNoStream(): boolean; hasStreamExists(): boolean },
  hasRevision: () => boolean,
  revision: () => string,
): Expected {
  if (hasRevision()) return Number(revision());
  if (options.hasNoStream()) return 'no-stream';
  return options.hasStreamExists() ? 'stream-exists' : 'any';
}

function appendAnswer(expected: Expected, outcome: Exclude<AppendOutcome, { kind: 'too-large' }>): AppendResp {
  const response = new streamsPb.AppendResp();
  if (outcome.kind === 'appended') {
    const success = new streamsPb.AppendResp.Success();
    success.setCurrentRevision(String(outcome.revision));
    const position = new streamsPb.AppendResp.Position();
    position.setCommitPosition(String(outcome.position));
    position.setPreparePosition(String(outcome.position));
    success.setPosition(position);
    response.setSuccess(success);
    return response;
  }
  const wrong = new streamsPb.AppendResp.WrongExpectedVersion();
  if (outcome.current === null) wrong.setCurrentNoStream(new sharedPb.Empty());
  else wrong.setCurrentRevision(String(outcome.current));
  if (typeof expected === 'number') wrong.setExpectedRevision(String(expected));
  else if (expected === 'no-stream') wrong.setExpectedNoStream(new sharedPb.Empty());
  else if (expected === 'stream-exists') wrong.setExpectedStreamExists(new sharedPb.Empty());
  else wrong.setExpectedAny(new sharedPb.Empty());
  response.setWrongExpectedVersion(wrong);
  return response;
}

/** Nobody is anybody, whose rights are looked at; who says that he is somebody has to be. */
function refusal(metadata: { get(key: string): (string | Buffer)[] }, users: StandInUsers) {
  const [header] = metadata.get('authorization');
  if (users === null) return null;
  if (header === undefined) return accessDenied();
  const [name, ...rest] = Buffer.from(String(header).replace(/^Basic /, ''), 'base64')
    .toString()
    .split(':');
  const isAdmitted = name !== undefined && Object.hasOwn(users, name) && users[name] === rest.join(':');
  return isAdmitted ? null : failure(grpc.status.UNAUTHENTICATED, 'Received HTTP status code 401');
}

function requiresLeader(metadata: { get(key: string): (string | Buffer)[] }): boolean {
  return String(metadata.get('requires-leader')[0]) === 'true';
}

/** As the real server names its exceptions: in the trailers. */
function failure(code: number, details: string, trailers: Readonly<Record<string, string>> = {}) {
  const metadata = new grpc.Metadata();
  for (const [name, value] of Object.entries(trailers)) metadata.set(name, value);
  return Object.assign(new Error(details), { code, details, metadata });
}
const unavailable = () => failure(grpc.status.UNAVAILABLE, 'Connection dropped');
const notReady = () => failure(grpc.status.UNAVAILABLE, 'Server Is Not Ready');
const notLeader = ({ host, port }: { readonly host: string; readonly port: number }) =>
  failure(grpc.status.NOT_FOUND, 'Leader info available', {
    exception: 'not-leader',
    'leader-endpoint-host': host,
    'leader-endpoint-port': String(port),
  });
const noLeader = () => failure(grpc.status.UNKNOWN, 'No leader info available in response');
/** Newer than the client, which does not know the name of its exception. */
const eventTooLarge = () =>
  failure(grpc.status.INVALID_ARGUMENT, 'Event with Id: e, Size: 300, exceeds Maximum Append Event Size of 100.', {
    exception: 'maximum-append-event-size-exceeded',
    'maximum-append-event-size': '100',
  });
const accessDenied = () => failure(grpc.status.PERMISSION_DENIED, 'Access Denied', { exception: 'access-denied' });
const tooLarge = () =>
  failure(grpc.status.INVALID_ARGUMENT, `Maximum Append Size of ${APPEND_BYTES_MAX} Exceeded.`, {
    exception: 'maximum-append-size-exceeded',
    'maximum-append-size': String(APPEND_BYTES_MAX),
  });
