import { openEventStoreDb } from '@livegift/event-store-eventstoredb';
import { EventStoreDbStandIn } from '../support/eventstoredb/stand-in.js';
import { livegift } from '../support/livegift-cli.js';

// It waits for programs that start on a busy machine; the bound only ends a test that never will.
jest.setTimeout(60_000);

describe('livegift audit, of a log that a server keeps', () => {
  let server: EventStoreDbStandIn;

  beforeEach(async () => {
    server = await EventStoreDbStandIn.start();
  });
  afterEach(() => server.stop());

  it('writes nothing where no engine ever wrote, and says so without the password', async () => {
    const url = server.connectionString.replace('esdb://', 'esdb://auditor:opensesame@');
    for (const attempt of [1, 2]) {
      const { exitCode, stdout, stderr } = await livegift('audit', '--event-store', url);
      expect({ attempt, exitCode, stdout }).toEqual({ attempt, exitCode: 2, stdout: '' });
      expect(stderr).toContain('there is no log of livegift in that event store');
      expect(stderr).not.toContain('opensesame');
    }
  });

  it('finds money that came from nowhere', async () => {
    const store = await openEventStoreDb({ connectionString: server.connectionString });
    const metadata = { $correlationId: 'c', $causationId: 'c', recordedAt: '2026-03-01T12:00:00Z' };
    const data = { viewerId: 'ann', region: 'DE', ageAssured: true, occurredAt: '2026-03-01T12:00:00Z' };
    const purchase = {
      ...data,
      purchaseId: 'ann.1',
      coins: 100,
      balance: 100,
      price: { amountMinor: 499, currency: 'EUR' },
      provider: 'shop',
      paymentId: 'never-claimed',
    };
    const event = (type: string, of: object) => ({
      id: crypto.randomUUID(),
      type,
      data: of as Record<string, never>,
      metadata,
      schemaVersion: 1,
    });
    await store.append('wallet-ann', [event('WalletOpened', data), event('CoinsPurchased', purchase)], 'no-stream');
    await store.close();

    const run = await livegift('audit', '--event-store', server.connectionString, '--json');
    expect(run.exitCode).toBe(1);
    const rules = run.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { rule?: string; summary?: { events: number } });
    expect(rules.find(({ rule }) => rule !== undefined)).toMatchObject({ stream: 'wallet-ann' });
    expect(rules.at(-1)).toMatchObject({ summary: { events: 2 } });
  });
});
