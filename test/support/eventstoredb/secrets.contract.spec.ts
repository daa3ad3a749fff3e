import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { openEventStoreDb } from '@livegift/event-store-eventstoredb';
import { selfSigned } from './self-signed.js';
import { EventStoreDbStandIn } from './stand-in.js';

jest.setTimeout(30_000);

const PASSWORD = 'pa55: w@rd/%';
const LOGIN = `admin:${encodeURIComponent(PASSWORD)}`;

describe('TLS, user and password', () => {
  let directory: string;
  let standIn: EventStoreDbStandIn;
  let options: string;
  const said: unknown[] = [];
  const note = (...words: unknown[]): void => void said.push(words);
  const telemetry = { count: note, gauge: note, observe: note, info: note, warn: note, error: note };
  const open = (connectionString: string) => openEventStoreDb({ connectionString, telemetry, limits: { openMs: 100 } });
  /** Everything that an operator could come to see of a failure. */
  const shown = async (attempt: Promise<unknown>): Promise<string> => {
    const error = await attempt.then(
      () => 'nothing thrown',
      (reason: unknown) => reason,
    );
    return inspect([error, (error as Error).message, (error as Error).stack, said], { depth: 9, showHidden: true });
  };

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'livegift-tls-'));
    const tls = selfSigned(Date.now());
    const authority = join(directory, 'ca.pem');
    writeFileSync(authority, tls.certificate);
    options = `tls=true&tlsCAFile=${encodeURIComponent(authority)}`;
    standIn = await EventStoreDbStandIn.start({ tls, users: { admin: PASSWORD } });
    for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const)
      jest.spyOn(console, method).mockImplementation(note);
  });
  afterAll(async () => {
    jest.restoreAllMocks();
    await standIn.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it('lets in who has the password: appends, reads, subscribes', async () => {
    const store = await open(`esdb://${LOGIN}@127.0.0.1:${standIn.port}?${options}`);
    const metadata = { $correlationId: 'c', $causationId: 'c', recordedAt: '2026-03-01T12:00:00.000Z' };
    const event = { id: randomUUID(), type: 'SomethingHappened', schemaVersion: 1, data: {}, metadata };
    await store.append('s', [event], 'no-stream');
    const subscription = await store.subscribe({ after: null });
    expect((await subscription.next())!.events).toHaveLength(1);
    await store.saveCheckpoint('any', (await store.head())!);
    expect(inspect(store, { depth: 9, showHidden: true })).not.toContain('pa55');
    await store.close();
  });

  it.each(['admin:nonsense@', ''])('says what is wrong when it is not let in with "%s"', async (login) => {
    const words = await shown(open(`esdb://${login}127.0.0.1:${standIn.port}?${options}`));
    expect(words).toContain('denies access');
    expect(words).not.toContain('nonsense');
  });

  it.each([
    ['an unreachable server', `esdb://${LOGIN}@127.0.0.1:1?tls=false`],
    ['an option that the client warns of', `esdb://${LOGIN}@127.0.0.1:1?tls=false&unknownOption=1`],
    ['a check of certificates that the client cannot leave out', `esdb://${LOGIN}@127.0.0.1:1?tlsVerifyCert=false`],
    ['an option that is none', `esdb://${LOGIN}@127.0.0.1:1?tls=perhaps`],
    ['a missing certificate', `esdb://${LOGIN}@127.0.0.1:1?tlsCAFile=/nowhere`],
    ['a port that is none', `esdb://${LOGIN}@127.0.0.1:port`],
    ['a wrong scheme', `http://${LOGIN}@127.0.0.1:1`],
    ['a password that is not encoded', `esdb://admin:pa55@w@rd@127.0.0.1:1`],
    ['a password with a colon', `esdb://admin:pa55:word@127.0.0.1:1?tls=false`],
    ['a broken escape', 'esdb://admin:pa55%ZZ@127.0.0.1:1'],
    ['discovery that finds nobody', `esdb+discover://${LOGIN}@127.0.0.1:1?tls=false&maxDiscoverAttempts=1`],
    ['nothing', ''],
  ])('never shows the password: %s', async (_, connectionString) => {
    said.length = 0;
    const attempt = open(connectionString);
    await expect(attempt).rejects.toMatchObject({ code: 'unavailable' });
    const words = await shown(attempt);
    for (const secret of ['pa55', encodeURIComponent(PASSWORD), 'w@rd']) expect(words).not.toContain(secret);
  });
});
