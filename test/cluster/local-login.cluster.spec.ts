/** The servers that `npm run cluster` starts let in only the one who knows their passwords. */
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openKafkaFanOut, type KafkaLogin } from '@livegift/fanout-kafka';
import { silentTelemetry, type Position } from '@livegift/kernel';
import { openRedisLeases } from '@livegift/lease-redis';
import { credentialsFile, credentialsIn, startKafka, startRedis } from '@livegift/local-servers';
import { systemClock, systemScheduler } from '@livegift/process';
import { describeWithServers } from '../support/servers.js';

const STARTED_MS_MAX = 240_000;

jest.setTimeout(STARTED_MS_MAX);

describeWithServers(['redis', 'kafka'], 'the servers of a local cluster', () => {
  const directory = mkdtempSync(join(tmpdir(), 'livegift-login-'));
  const { redisPassword, kafkaUser, kafkaPassword } = credentialsIn(directory);
  const cleanUps: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('have passwords that only this user can read, and that stay over restarts', () => {
    expect(statSync(credentialsFile(directory)).mode & 0o777).toBe(0o600);
    expect(credentialsIn(directory)).toEqual({ redisPassword, kafkaUser, kafkaPassword });
    expect(new Set([redisPassword, kafkaPassword]).size).toBe(2);
    expect(redisPassword.length).toBeGreaterThanOrEqual(32);
  });

  it('are a Redis that refuses who has no password, and does not show it to other users', async () => {
    const redis = await startRedis({ password: redisPassword });
    cleanUps.push(() => redis.stop());
    const commandLine = `/proc/${redis.pid}/cmdline`;
    if (existsSync(commandLine)) expect(readFileSync(commandLine, 'utf8')).not.toContain(redisPassword);
    const [known, stranger] = [redis.url, redis.url.replace(/:\/\/.*@/, '://')].map((url) =>
      openRedisLeases({ url, telemetry: silentTelemetry }),
    );
    cleanUps.push(
      () => known!.close(),
      () => stranger!.close(),
    );
    await expect(known!.read('group')).resolves.toMatchObject({ document: null });
    await expect(stranger!.read('group')).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('are a Kafka that lets in its one user, itself included, and nobody else', async () => {
    const kafka = await startKafka({ login: { user: kafkaUser, password: kafkaPassword } });
    cleanUps.push(() => kafka.stop());
    expect(statSync(join(kafka.directory, 'server.properties')).mode & 0o777).toBe(0o600);
    const open = (login: KafkaLogin | null) =>
      openKafkaFanOut({
        brokers: [kafka.brokers],
        tls: false,
        login,
        clientId: 'spec',
        clock: systemClock,
        scheduler: systemScheduler,
        telemetry: silentTelemetry,
        partitions: 1,
        topic: 'rooms',
        checkpointTopic: 'rooms.checkpoints',
      });
    const login: KafkaLogin = { mechanism: 'scram-sha-256', user: kafkaUser, password: kafkaPassword };
    await expect(open({ ...login, password: 'guessed' })).rejects.toThrow();
    await expect(open(null)).rejects.toThrow();
    const fanOut = await open(login);
    cleanUps.push(() => fanOut.close());
    // A transaction: the broker writes its markers through a connection to itself.
    const publisher = await fanOut.openPublisher(0);
    cleanUps.push(() => publisher.close());
    await publisher.publish([], {
      storeId: '6d1f7a52-6d3c-4c7e-9d52-0f2a2f0a8f11',
      position: '0000000000000001' as Position,
    });
  });
});
