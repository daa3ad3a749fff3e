/** An older state is put in the place of the event store while the whole cluster runs, and is then restored as documented. */
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { ApiClient, eventually } from '../support/api-client.js';
import { Cluster } from '../support/cluster.js';
import { livegiftWith } from '../support/livegift-cli.js';
import { openSse, type RoomFrame } from '../support/room-clients.js';
import { describeWithServers } from '../support/servers.js';

const STARTED_MS_MAX = 240_000;
const SEEN_MS_MAX = 60_000;
const VIEWERS = ['ann', 'ben', 'cem', 'dan'];
const HOLDERS_OF_HISTORY = ['gift-api', 'settlement', 'projector', 'publisher'] as const;

interface Gift {
  readonly giftId: string;
  readonly position: string;
  readonly balance: number;
}

jest.setTimeout(STARTED_MS_MAX);

describeWithServers(['redis', 'kafka'], 'a cluster whose event store goes back', () => {
  let cluster: Cluster;
  let api: ApiClient;
  let lost: Gift;
  let lostFrameId: string;

  const file = (): string => join(cluster.directory, 'event-store.log');
  const backup = (): string => join(cluster.directory, 'backup.log');
  const variables = (): Record<string, string> => ({ ...cluster.env, PROFILE: 'cluster' });
  const give = async (viewerId: string, key: string): Promise<Gift> => {
    const { status, body } = await api.keyed('/v1/rooms/r1/gifts', key, { viewerId, gift: 'rose', quantity: 5 });
    expect({ status, body }).toMatchObject({ status: 201 });
    return body as unknown as Gift;
  };
  const credited = (diamonds: number): Promise<unknown> =>
    eventually(
      async () => (await api.get('/v1/creators/cleo')).body,
      ({ creditedDiamonds }) => creditedDiamonds === diamonds,
      SEEN_MS_MAX,
    );
  /** Empty while the process starts. */
  const readinessText = (name: string): Promise<string> =>
    fetch(`${cluster.app(name).url}/health/ready`).then(
      (response) => response.text(),
      () => '',
    );
  const historyOf = async (name: string): Promise<{ status: number; reason?: string }> => {
    const response = await fetch(`${cluster.app(name).url}/health/ready`);
    const { parts } = (await response.json()) as { parts: { name: string; ready: boolean; reason?: string }[] };
    const reason = parts.find((part) => part.name === 'history' && !part.ready)?.reason;
    return { status: response.status, reason };
  };

  beforeAll(async () => {
    cluster = await Cluster.start();
    api = new ApiClient(cluster.url);
    await api.post('/v1/rooms', { roomId: 'r1', creatorId: 'cleo' });
    for (const viewerId of VIEWERS) {
      await api.post('/v1/wallets', { viewerId, region: 'DE', ageAssured: true });
      const price = { amountMinor: 99, currency: 'EUR' };
      const purchase = { coins: 100, price, provider: 'shop', paymentId: `pay-${viewerId}` };
      await api.keyed(`/v1/wallets/${viewerId}/purchases`, `buy-${viewerId}`, purchase);
      await give(viewerId, `kept-${viewerId}`);
    }
    await credited(1_000);
    copyFileSync(file(), backup());
    const live = openSse(cluster.url, 'r1', null);
    await eventually(
      async () => live.frames,
      (frames) => frames.length > 0,
      SEEN_MS_MAX,
    );
    for (const viewerId of VIEWERS) lost = await give(viewerId, `lost-${viewerId}`);
    await credited(2_000);
    const frame = await eventually(
      async () => live.frames.find(({ giftId }: RoomFrame) => giftId === lost.giftId),
      (found) => found !== undefined,
      SEEN_MS_MAX,
    );
    lostFrameId = frame!.frameId!;
    live.close();
    await cluster.eventStore.stop();
    copyFileSync(backup(), file());
    await cluster.eventStore.start();
  }, STARTED_MS_MAX);
  afterAll(() => cluster?.dispose(), STARTED_MS_MAX);

  it.each(HOLDERS_OF_HISTORY)('is noticed by %s, which stops its work and says what to run', async (app) => {
    const seen = await eventually(
      () => historyOf(app),
      ({ reason }) => reason !== undefined,
      SEEN_MS_MAX,
    );
    expect(seen).toMatchObject({ status: 503, reason: expect.stringContaining('livegift restore') });
    const metrics = await (await fetch(`${cluster.app(app).url}/metrics`)).text();
    expect(metrics).toMatch(/^\w*history_lost(\{[^}]*\})? 1$/m);
  });

  it('takes no command on wallets of the history that is lost', async () => {
    for (const viewerId of VIEWERS) {
      const gift = { viewerId, gift: 'rose', quantity: 5 };
      expect(await api.keyed('/v1/rooms/r1/gifts', `meanwhile-${viewerId}`, gift)).toMatchObject({ status: 503 });
    }
  });

  it('lets no projector go on in read models of the lost history before the restore was run', async () => {
    await cluster.crash('projector');
    const ready = await eventually(
      () => readinessText('projector'),
      (text) => /the checkpoint is at|beyond the end/.test(text),
      SEEN_MS_MAX,
    );
    expect(ready).toContain('not-ready');
  });

  it('is noticed by a gift-api that is started again before the restore was run', async () => {
    await cluster.crash('gift-api');
    const seen = await eventually(
      () => historyOf('gift-api').catch(() => ({ status: 0, reason: undefined })),
      ({ reason }) => reason !== undefined,
      SEEN_MS_MAX,
    );
    expect(seen).toMatchObject({ status: 503, reason: expect.stringContaining('livegift restore') });
    const gift = { viewerId: 'ann', gift: 'rose', quantity: 5 };
    expect(await api.keyed('/v1/rooms/r1/gifts', 'after-a-restart', gift)).toMatchObject({ status: 503 });
  });

  it('begins a new generation once all apps are stopped', async () => {
    await Promise.all(cluster.apps.map((app) => app.kill()));
    const run = await livegiftWith(variables(), 'restore');
    expect(run).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('livegift reset projector') });
    const reset = await livegiftWith(variables(), 'reset', 'projector');
    expect(reset).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('64 partitions') });
    for (const app of cluster.apps) app.start();
    await cluster.ready();
  });

  it('has balances, credits and boards of the backup, and goes on from there', async () => {
    await credited(1_000);
    for (const viewerId of VIEWERS) {
      expect((await api.get(`/v1/wallets/${viewerId}`)).body).toMatchObject({ coins: 95, spentCoins: 5 });
    }
    const live = openSse(cluster.url, 'r1', lostFrameId);
    const gifts: Gift[] = [];
    for (const viewerId of VIEWERS) gifts.push(await give(viewerId, `lost-${viewerId}`));
    expect(gifts.map(({ balance }) => balance)).toEqual([90, 90, 90, 90]);
    expect(gifts.map(({ giftId }) => giftId)).not.toContain(lost.giftId);
    const frames = await eventually(
      async () => live.frames,
      (seen) => seen.filter(({ type }) => type === 'gift').length >= gifts.length,
      SEEN_MS_MAX,
    );
    live.close();
    expect(frames.find(({ type }) => type === 'recovered')).toMatchObject({ complete: false });
    const shown = frames.filter(({ type }) => type === 'gift').map(({ giftId }) => giftId);
    expect(shown).toEqual(gifts.map(({ giftId }) => giftId));
    await credited(2_000);
    const board = await api.board(`rooms/r1/gifters?after=${gifts.at(-1)!.position}`);
    expect(board.entries.map(({ id, score }) => [id, score])).toEqual(VIEWERS.map((id) => [id, 10]));
  });

  it('tells clients of the lost history that it is another one', async () => {
    const path = `/v1/wallets/ann?after=${lost.position}`;
    expect(await api.get(path)).toMatchObject({ status: 410, body: { code: 'history-changed' } });
    expect(await api.get(`/v1/gifts/${lost.giftId}`)).toMatchObject({ status: 404 });
  });

  it('passes the audit', async () => {
    const run = await livegiftWith(variables(), 'audit');
    expect(run).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('No finding') });
  });
});
