import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect as connectHttp2, constants as http2 } from 'node:http2';
import { connect as connectSocket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  BACKWARDS,
  END,
  EventStoreDBClient,
  jsonEvent,
  type AppendToStreamOptions,
  type Position,
} from '@eventstore/db-client';
import { sharedPb, streamsPb, StreamsService, type AppendReq } from './protocol.js';
import { EventStoreDbStandIn } from './stand-in.js';

jest.setTimeout(30_000);

const NO_STREAM = 'no_stream';
const events = (count: number, type = 'Happened') =>
  Array.from({ length: count }, (_, n) => jsonEvent({ id: randomUUID(), type, data: { n } }));

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

function appendTo(stream: string): AppendReq {
  const identifier = new sharedPb.StreamIdentifier();
  identifier.setStreamName(Buffer.from(stream).toString('base64'));
  const options = new streamsPb.AppendReq.Options();
  options.setStreamIdentifier(identifier);
  options.setNoStream(new sharedPb.Empty());
  const request = new streamsPb.AppendReq();
  request.setOptions(options);
  return request;
}

function proposed(): AppendReq {
  const id = new sharedPb.UUID();
  id.setString(randomUUID());
  const message = new streamsPb.AppendReq.ProposedMessage();
  message.setId(id);
  message.getMetadataMap().set('type', 'Happened').set('content-type', 'application/json');
  message.setData(Buffer.from('{}').toString('base64'));
  const request = new streamsPb.AppendReq();
  request.setProposedMessage(message);
  return request;
}

/** What the toolchain notes say of a real server; the stand-in is worth nothing where it differs. */
describe('the stand-in, as the real client sees it', () => {
  let standIn: EventStoreDbStandIn;
  let client: EventStoreDBClient;

  beforeAll(async () => {
    standIn = await EventStoreDbStandIn.start();
    client = EventStoreDBClient.connectionString(standIn.connectionString);
  });
  afterAll(async () => {
    await client.dispose();
    await standIn.stop();
  });

  it.each(['calls off', 'dies'])('appends nothing when a client %s between its events', async (how) => {
    const [, address] = /^esdb:\/\/([^?/]+)/.exec(standIn.connectionString)!;
    const { hostname, port } = new URL(`http://${address}`);
    const socket = connectSocket(Number(port), hostname);
    const session = connectHttp2(`http://${address}`, { createConnection: () => socket }).on('error', () => {});
    const { path, requestSerialize } = StreamsService.append;
    const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
    const call = session.request(headers).on('error', () => {});
    const stream = randomUUID();
    for (const request of [appendTo(stream), proposed()]) {
      const message = requestSerialize(request);
      const head = Buffer.alloc(5);
      head.writeUInt32BE(message.length, 1);
      call.write(Buffer.concat([head, message]));
    }
    // Sent, and perhaps not yet read by the server.
    await new Promise(setImmediate);
    if (how === 'dies') socket.destroy();
    else call.close(http2.NGHTTP2_CANCEL);
    await new Promise((closed) => call.once('close', closed));
    // What the server makes of it, it has made before it has answered these.
    for (let n = 0; n < 3; n++) await client.appendToStream(randomUUID(), events(1), { expectedRevision: NO_STREAM });
    await expect(all(client.readStream(stream, { maxCount: 1 }))).rejects.toMatchObject({ type: 'stream-not-found' });
    socket.destroy();
  });

  // With credentials of its own the client makes a call for each append, without it batches them.
  const ways: readonly [string, AppendToStreamOptions][] = [
    ['Append', { credentials: { username: 'any', password: 'any' } }],
    ['BatchAppend', {}],
  ];

  describe.each(ways)('%s', (_, options) => {
    it('answers the revision and position of the last event', async () => {
      const stream = randomUUID();
      const answer = await client.appendToStream(stream, events(3), { ...options, expectedRevision: NO_STREAM });
      expect(answer).toMatchObject({ success: true, nextExpectedRevision: 2n });
      const [last] = await all(client.readStream(stream, { direction: BACKWARDS, fromRevision: END, maxCount: 1 }));
      expect(last!.event).toMatchObject({ revision: 2n, position: answer.position });
      expect(answer.position!.commit).toBeGreaterThan(0n);
    });

    it('refuses a wrong expected version and says where the stream is', async () => {
      const stream = randomUUID();
      const missing = client.appendToStream(stream, events(1), { ...options, expectedRevision: 3n });
      await expect(missing).rejects.toMatchObject({ type: 'wrong-expected-version', actualVersion: 'no_stream' });
      await client.appendToStream(stream, events(2), options);
      const stale = client.appendToStream(stream, events(1), { ...options, expectedRevision: 0n });
      await expect(stale).rejects.toMatchObject({ type: 'wrong-expected-version', actualVersion: 1n });
    });

    it('takes a stale append whose ids match for a repetition, whatever it contains', async () => {
      const stream = randomUUID();
      const first = events(2);
      const answer = await client.appendToStream(stream, first, { ...options, expectedRevision: NO_STREAM });
      await client.appendToStream(stream, events(1), { ...options, expectedRevision: 1n });
      const other = first.map(({ id }) => jsonEvent({ id, type: 'Other', data: {} }));
      const again = await client.appendToStream(stream, other, { ...options, expectedRevision: NO_STREAM });
      expect(again).toEqual(answer);
      expect(await all(client.readStream(stream))).toHaveLength(3);
    });

    it.each(['any', NO_STREAM] as const)(
      'refuses what repeats only some ids, expecting %s',
      async (expectedRevision) => {
        const stream = randomUUID();
        const first = events(2);
        await client.appendToStream(stream, first, options);
        const attempt = client.appendToStream(stream, [first[0]!, ...events(1)], { ...options, expectedRevision });
        await expect(attempt).rejects.toMatchObject({ type: 'wrong-expected-version', actualVersion: 1n });
        expect(await all(client.readStream(stream))).toHaveLength(2);
      },
    );

    it('refuses more than 1 MiB', async () => {
      const large = jsonEvent({ type: 'Large', data: { text: 'x'.repeat(1_048_576) } });
      const attempt = client.appendToStream(randomUUID(), large, options);
      await expect(attempt).rejects.toMatchObject({ type: 'maximum-append-size-exceeded' });
    });
  });

  it('includes in forward reads of $all the position that it is given, and excludes it backwards and in subscriptions', async () => {
    const stream = randomUUID();
    await client.appendToStream(stream, events(3));
    const own = (await all(client.readStream(stream))).map(({ event }) => event!.position!);
    const positions = (read: { event?: { position: Position } }[]) => read.map(({ event }) => event!.position);
    const fromPosition = own[1]!;
    expect(positions(await all(client.readAll({ fromPosition, maxCount: 2 })))).toEqual([own[1], own[2]]);
    const back = await all(client.readAll({ fromPosition, direction: BACKWARDS, maxCount: 2 }));
    expect(positions(back)[0]).toEqual(own[0]);
    expect(back).toHaveLength(2);
    const subscription = client.subscribeToAll({ fromPosition });
    for await (const { event } of subscription) {
      expect(event!.position).toEqual(own[2]);
      break;
    }
    await subscription.unsubscribe();
  });

  it('has one record behind the other, with gaps', async () => {
    const read = await all(client.readAll({ maxCount: 10 }));
    const commits = read.map(({ event }) => event!.position.commit);
    expect(commits).toEqual([...commits].sort((a, b) => Number(a - b)));
    expect(commits.some((commit, at) => at > 0 && commit !== commits[at - 1]! + 1n)).toBe(true);
  });

  it('filters subscriptions, with checkpoints that no event has, and says when it is caught up', async () => {
    const type = `T${randomUUID()}`;
    await client.appendToStream(randomUUID(), [...events(5), ...events(2, type), ...events(5)]);
    const checkpoints: Position[] = [];
    const subscription = client.subscribeToAll({
      filter: {
        filterOn: 'eventType',
        prefixes: [type],
        maxSearchWindow: 2,
        checkpointInterval: 1,
        checkpointReached: async (_, position) => void checkpoints.push(position),
      },
    });
    const seen: string[] = [];
    subscription.on('data', ({ event }) => void seen.push(event!.type));
    await new Promise((resolve) => subscription.on('caughtUp' as never, resolve as never));
    expect(seen).toEqual([type, type]);
    expect(checkpoints.length).toBeGreaterThan(3);
    expect(checkpoints.every(({ prepare }) => prepare === 0n)).toBe(true);
    await subscription.unsubscribe();
  });

  it('keeps $maxCount of a stream for its readers, and says when there is no stream', async () => {
    const stream = randomUUID();
    await expect(all(client.readStream(stream))).rejects.toMatchObject({ type: 'stream-not-found' });
    await client.appendToStream(stream, events(5));
    await client.setStreamMetadata(stream, { maxCount: 2 });
    expect((await all(client.readStream(stream))).map(({ event }) => event!.revision)).toEqual([3n, 4n]);
    expect((await client.getStreamMetadata(stream)).metadata).toEqual({ maxCount: 2 });
  });
});

describe('the stand-in as a process of its own', () => {
  let directory: string;
  let child: ChildProcess | null = null;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'livegift-stand-in-'));
  });
  afterEach(() => {
    child?.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  });

  const up = async (port: number): Promise<string> => {
    const main = join(process.cwd(), 'test/dist/support/eventstoredb/main.js');
    if (!existsSync(main)) throw new Error('this runs the built stand-in: npm run build (npm test does it)');
    child = spawn(process.execPath, [main, '--file', join(directory, 'log'), '--port', String(port)]);
    let words = '';
    child.stderr!.on('data', (chunk: Buffer) => (words += chunk.toString()));
    return await new Promise((resolve, reject) => {
      child!.stdout!.on('data', (chunk: Buffer) => {
        words += chunk.toString();
        if (words.endsWith('\n')) resolve(words);
      });
      child!.once('exit', () => reject(new Error(words)));
    });
  };

  it('says that it is for tests, and has after kill -9 everything that it had answered', async () => {
    const words = await up(0);
    expect(words).toContain('FOR TESTS ONLY');
    const [connectionString, port] = /esdb:\/\/127\.0\.0\.1:(\d+)\?tls=false/.exec(words)!;
    let client = EventStoreDBClient.connectionString(connectionString);
    let answered = -1;
    const killed = new Promise((resolve) => child!.once('exit', resolve));
    try {
      for (let n = 0; ; n++) {
        if (n === 30) setTimeout(() => child!.kill('SIGKILL'), 5);
        const credentials = { username: 'any', password: 'any' };
        await client.appendToStream('s', events(1), {
          expectedRevision: n === 0 ? NO_STREAM : BigInt(n - 1),
          credentials,
        });
        answered = n;
      }
    } catch {
      await killed;
    }
    await client.dispose();
    await up(Number(port));
    client = EventStoreDBClient.connectionString(connectionString);
    const read = await all(client.readStream('s'));
    expect(answered).toBeGreaterThanOrEqual(29);
    // The one that was under way may be there too.
    expect([answered + 1, answered + 2]).toContain(read.length);
    await client.dispose();
  });
});
