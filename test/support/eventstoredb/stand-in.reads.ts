import { once } from 'node:events';
import type { ServerWritableStream, StatusObject } from '@grpc/grpc-js';
import type { LogRecord, StandInLog } from './stand-in.log.js';
import { takeOne, type StandInFaults } from './stand-in.faults.js';
import {
  caughtUp,
  checkpoint,
  confirmation,
  encodedEvent,
  fellBehind,
  streamNotFound,
  textOf,
} from './stand-in.messages.js';
import { grpc, streamsPb, type ReadAnswer, type ReadReq } from './protocol.js';

type Call = ServerWritableStream<ReadReq, ReadAnswer>;

/** The server's default for a filter that names no window. */
const SEARCH_WINDOW_DEFAULT = 32;
/** A live subscription that is so many records behind is told so, and read to from the log again. */
const BEHIND_RECORDS_MAX = 1_000;
const TURN_RECORDS = 256;
/** What a server says where it means a place before the first event. */
const NOWHERE = 0xffff_ffff_ffff_ffffn;
const APART_MS = 20;

export async function answerRead(
  log: StandInLog,
  call: Call,
  subscriptionId: string,
  faults: StandInFaults,
): Promise<void> {
  // Writing to a call that has been cancelled is an error that nobody cares for.
  call.on('error', () => {});
  const options = call.request.getOptions()!;
  const fails = options.getAll()?.hasPosition() === true && takeOne(faults, 'readsErring');
  if (fails) return void call.emit('error', invalidPosition(true));
  if (readsOffRecord(log, options))
    return void call.emit('error', invalidPosition(takeOne(faults, 'positionsUnnamed')));
  if (options.hasSubscription()) return subscribe(log, call, options, subscriptionId, faults);
  for (const record of selected(log, call, options)) {
    if (call.cancelled) return;
    await send(call, encodedEvent(record));
  }
  call.end();
}

function selected(log: StandInLog, call: Call, options: ReadReq.Options): readonly LogRecord[] {
  const count = Number(options.getCount());
  const backwards = options.getReadDirection() === streamsPb.ReadReq.Options.ReadDirection.BACKWARDS;
  if (options.hasAll()) return ofAll(log, options, backwards, count);
  const stream = options.getStream()!;
  const name = textOf(stream.getStreamIdentifier()!.getStreamName_asU8());
  const readable = log.readable(name);
  if (readable === null) {
    call.write(streamNotFound(name));
    return [];
  }
  const { records, first, end } = readable;
  const from = stream.hasRevision() ? Number(stream.getRevision()) : stream.hasEnd() ? end - 1 : 0;
  if (!backwards) {
    const start = Math.max(first, from);
    return stream.hasEnd() ? [] : records.slice(start, Math.min(end, start + count));
  }
  const after = Math.max(first, Math.min(end, from + 1));
  return records.slice(Math.max(first, after - count), after).reverse();
}

/** A server finds a record only where one begins: inside of one, and beyond the end, it refuses to read. */
function readsOffRecord(log: StandInLog, options: ReadReq.Options): boolean {
  const position = options.getAll()?.getPosition();
  return position !== undefined && !log.isBoundary(Number(position.getCommitPosition()));
}

/** @param isUnnamed as 22.10.5 words it; later versions name the reason */
function invalidPosition(isUnnamed: boolean): Partial<StatusObject> {
  return isUnnamed
    ? { code: grpc.status.UNKNOWN, details: 'Unexpected ReadAllResult: Error' }
    : { code: grpc.status.INVALID_ARGUMENT, details: 'Trying to read from an invalid position.' };
}

/** Forwards from the record that begins at the position, backwards from the one that ends there. */
function ofAll(log: StandInLog, options: ReadReq.Options, backwards: boolean, count: number): readonly LogRecord[] {
  const records: LogRecord[] = [];
  const from = startOf(log, options);
  if (backwards) {
    for (let at = from - 1; at >= 0 && records.length < count; at--)
      if (endsBy(log.at(at), options)) records.push(log.at(at));
  } else for (let at = from; at < log.visible && records.length < count; at++) records.push(log.at(at));
  return records;
}

function startOf(log: StandInLog, options: ReadReq.Options): number {
  const all = options.getAll();
  if (all === undefined || all.hasStart()) return 0;
  const position = all.getPosition();
  if (position === undefined) return log.visible;
  return log.indexFrom(BigInt(position.getCommitPosition()), BigInt(position.getPreparePosition()));
}

/** The end of a record is (end, end) to the server, which is after (end, 0). */
function endsBy({ end }: LogRecord, options: ReadReq.Options): boolean {
  const position = options.getAll()?.getPosition();
  if (position === undefined) return true;
  const [commit, prepare] = [Number(position.getCommitPosition()), Number(position.getPreparePosition())];
  return end < commit || (end === commit && end <= prepare);
}

async function subscribe(
  log: StandInLog,
  call: Call,
  options: ReadReq.Options,
  id: string,
  faults: StandInFaults,
): Promise<void> {
  const passes = filterOf(options);
  const interval = checkpointInterval(options);
  let at = startOf(log, options);
  // Up to 23.10 a subscription begins after the first record at the position that it is given or behind it, so that one
  // begun where no record is leaves out the next. Later servers only leave out the one that is there.
  if (options.getAll()?.hasPosition() === true && at < log.visible) at++;
  if (options.getStream()?.hasEnd()) at = log.visible;
  await send(call, confirmation(id));
  const isNowhere = takeOne(faults, 'checkpointsNowhere');
  let isAhead = takeOne(faults, 'checkpointsAhead');
  let examined = 0;
  for (let live = false; ;) {
    if (live && log.visible - at > BEHIND_RECORDS_MAX) {
      live = false;
      await send(call, fellBehind());
    }
    while (at < log.visible && !call.cancelled) {
      const record = log.at(at++);
      if (live && isAhead && passes(record)) {
        isAhead = false;
        await send(call, checkpoint(record.position, record.position));
        // Never in one piece, or it would do no harm.
        await new Promise((resolve) => setTimeout(resolve, APART_MS));
      }
      if (passes(record)) await send(call, encodedEvent(record));
      if (interval !== null && ++examined >= interval) {
        examined = 0;
        // A position that no event has.
        await send(call, checkpoint(record.end, 0));
      }
      if (at % TURN_RECORDS === 0) await new Promise(setImmediate);
    }
    if (call.cancelled) return;
    if (!live && isNowhere) await send(call, checkpoint(NOWHERE, NOWHERE));
    if (!live) await send(call, caughtUp());
    live = true;
    await grown(log, at, call);
    if (call.cancelled) return;
  }
}

async function grown(log: StandInLog, at: number, call: Call): Promise<void> {
  if (log.visible > at || call.cancelled) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      unwatch();
      call.off('cancelled', done);
      resolve();
    };
    const unwatch = log.watch(done);
    call.on('cancelled', done);
  });
}

async function send(call: Call, response: ReadAnswer): Promise<void> {
  if (call.cancelled || call.write(response)) return;
  const ended = new AbortController();
  const end = (): void => ended.abort();
  call.once('cancelled', end);
  await once(call, 'drain', { signal: ended.signal }).catch(() => {});
  call.off('cancelled', end);
}

function filterOf(options: ReadReq.Options): (record: LogRecord) => boolean {
  const stream = options.getStream();
  if (stream !== undefined) {
    const name = textOf(stream.getStreamIdentifier()!.getStreamName_asU8());
    const after = stream.hasRevision() ? Number(stream.getRevision()) : -1;
    return (record) => record.stream === name && record.revision > after;
  }
  const filter = options.getFilter();
  if (filter === undefined) return () => true;
  const expression = filter.getEventType() ?? filter.getStreamIdentifier()!;
  const text = filter.hasEventType() ? (record: LogRecord) => record.type : (record: LogRecord) => record.stream;
  const prefixes = expression.getPrefixList();
  if (prefixes.length > 0) return (record) => prefixes.some((prefix) => text(record).startsWith(prefix));
  const regex = new RegExp(expression.getRegex(), 'u');
  return (record) => regex.test(text(record));
}

/** After so many records examined comes a checkpoint; null without a filter. */
function checkpointInterval(options: ReadReq.Options): number | null {
  const filter = options.getFilter();
  if (filter === undefined) return null;
  const window = filter.hasMax() ? filter.getMax() : SEARCH_WINDOW_DEFAULT;
  return window * Math.max(1, filter.getCheckpointintervalmultiplier());
}
