/** A backup is restored while clients still hold positions, cursors and frame ids of the history that it replaces. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApiClient, eventually } from '../support/api-client.js';
import { startEngine, type Engine } from '../support/engine.js';
import { livegift } from '../support/livegift-cli.js';
import { openSse, openWebSocket, type RoomFrame } from '../support/room-clients.js';

// Each waits for what it wants to see; the bound only ends a test that never will.
jest.setTimeout(60_000);

const VIEWERS = ['ann', 'ben', 'cem'];

let folder: string;
let before: Engine;
let after: Engine;
/** The same clients speak to both. */
let old: ApiClient;
let api: ApiClient;
/** What clients hold of the history that is lost. */
const held = { position: '', cursor: '', frameId: '', giftId: '', lostGiftId: '', balance: 0 };

async function give(client: ApiClient, viewerId: string, key: string): Promise<{ giftId: string; position: string }> {
  const { status, body } = await client.keyed('/v1/rooms/r1/gifts', key, { viewerId, gift: 'rose', quantity: 3 });
  expect({ status, body }).toMatchObject({ status: 201 });
  return body as { giftId: string; position: string };
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'livegift-restore-'));
  before = await startEngine();
  old = new ApiClient(before.url);
  await old.post('/v1/rooms', { roomId: 'r1', creatorId: 'cleo' });
  for (const viewerId of VIEWERS) {
    await old.post('/v1/wallets', { viewerId, region: 'DE', ageAssured: true });
    const price = { amountMinor: 99, currency: 'EUR' };
    const purchase = { coins: 100, price, provider: 'shop', paymentId: `pay-${viewerId}` };
    await old.keyed(`/v1/wallets/${viewerId}/purchases`, `buy-${viewerId}`, purchase);
    held.giftId = (await give(old, viewerId, `first-${viewerId}`)).giftId;
    await give(old, viewerId, `second-${viewerId}`);
  }
  await livegift('backup', '--data-dir', before.dataDir, join(folder, 'backup'));
  const live = openSse(before.url, 'r1', null);
  await eventually(
    async () => live.frames,
    (frames) => frames.length > 0,
  );
  held.lostGiftId = (await give(old, 'ann', 'lost-1')).giftId;
  held.position = (await give(old, 'ann', 'lost-2')).position;
  const page = await old.get<{ nextCursor: string }>(`/v1/wallets/ann/gifts?limit=1&after=${held.position}`);
  held.cursor = page.body.nextCursor;
  const gifts = await eventually(
    async () => live.frames.filter(({ type }) => type === 'gift'),
    (frames) => frames.length === 2,
  );
  held.frameId = gifts.at(-1)!.frameId!;
  live.close();
  await before.stop();
});
afterAll(async () => {
  await before?.dispose();
  await after?.dispose();
  rmSync(folder, { recursive: true, force: true });
});

describe('livegift restore', () => {
  it('puts the backup into a new directory and begins a new generation', async () => {
    const directory = join(folder, 'restored');
    const run = await livegift('restore', join(folder, 'backup'), '--data-dir', directory, '--json');
    expect(run).toMatchObject({ exitCode: 0 });
    const facts = JSON.parse(run.stdout) as { historyId: string; events: number };
    expect(facts.historyId).toMatch(/^[0-9a-f-]{36}\.[0-9a-f]{16}$/);
    expect(readdirSync(directory).sort()).toEqual(['data.mdb', 'deployment.json']);
    expect(await livegift('audit', '--data-dir', directory)).toMatchObject({ exitCode: 0 });
    after = await startEngine({ dataDir: directory });
    api = new ApiClient(after.url);
  });

  it('brings back balances, totals and boards as they were when the backup was made', async () => {
    for (const viewerId of VIEWERS) {
      const { body } = await api.get(`/v1/wallets/${viewerId}`);
      expect(body).toMatchObject({ coins: 94, purchasedCoins: 100, spentCoins: 6 });
    }
    const creator = await eventually(
      async () => (await api.get('/v1/creators/cleo')).body,
      ({ creditedDiamonds }) => creditedDiamonds === 900,
    );
    expect(creator).toMatchObject({ diamonds: 900, giftCount: 6 });
    const board = await api.board('rooms/r1/gifters');
    expect(board.entries.map(({ id, score }) => [id, score])).toEqual(VIEWERS.map((id) => [id, 6]));
  });

  it.each([
    ['a position', () => `/v1/wallets/ann?after=${held.position}`],
    ['a position of a board', () => `/v1/leaderboards/gifters?after=${held.position}`],
    ['a position of the log', () => `/v1/events?after=${held.position}`],
    ['a cursor', () => `/v1/wallets/ann/gifts?cursor=${held.cursor}`],
    ['a position of a room', () => `/v1/rooms/r1/events?after=${held.position}`],
  ])('answers 410 history-changed to %s of the history before', async (_, path) => {
    const { status, body } = await api.get(path());
    expect({ status, body }).toMatchObject({ status: 410, body: { code: 'history-changed' } });
  });

  it.each(['12', 'x', '0123456789abcdef-', '0123456789abcdef-12'])('still answers 400 to after=%s', async (after) => {
    expect(await api.get(`/v1/wallets/ann?after=${after}`)).toMatchObject({
      status: 400,
      body: { code: 'invalid-request', errors: [{ path: 'query.after', rule: 'isPosition' }] },
    });
  });

  it.each([
    ['WebSocket', openWebSocket],
    ['server-sent events', openSse],
  ])('says over %s that a resume from the history before is not complete', async (_, open) => {
    const connection = open(after.url, 'r1', held.frameId);
    const recovered = await eventually(
      async () => connection.frames.find(({ type }: RoomFrame) => type === 'recovered'),
      (found) => found !== undefined,
    );
    connection.close();
    expect(recovered).toMatchObject({ complete: false });
  });

  it('answers positions that its own queries take, and pages that its own cursors continue', async () => {
    const { position } = await give(api, 'ann', 'new-1');
    const next = await give(api, 'ann', 'new-2');
    expect(next.position > position).toBe(true);
    const wallet = await api.get(`/v1/wallets/ann?after=${next.position}`);
    expect(wallet).toMatchObject({ status: 200, body: { coins: 88 } });
    expect(String(wallet.body['position']) >= next.position).toBe(true);
    const seen: unknown[] = [];
    for (let path = '/v1/wallets/ann/gifts?limit=1'; path !== '';) {
      const { body } = await api.get<{ items: { giftId: string }[]; nextCursor: string | null }>(path);
      seen.push(...body.items.map(({ giftId }) => giftId));
      path = body.nextCursor === null ? '' : `/v1/wallets/ann/gifts?limit=1&cursor=${body.nextCursor}`;
    }
    expect(new Set(seen).size).toBe(4);
    const { body } = await api.get<unknown>(`/v1/events?after=${position}&types=GiftSent`);
    expect(body).toMatchObject({ position: next.position });
  });

  it('never uses the id of a lost gift for another one, and knows those in the backup', async () => {
    const { giftId } = await give(api, 'ann', 'new-3');
    expect(giftId).not.toBe(held.lostGiftId);
    expect(await api.get(`/v1/gifts/${giftId}`)).toMatchObject({ status: 200, body: { giftId } });
    expect(await api.get(`/v1/gifts/${held.lostGiftId}`)).toMatchObject({ status: 404 });
    expect(await api.get(`/v1/gifts/${held.giftId}`)).toMatchObject({ status: 200, body: { giftId: held.giftId } });
  });

  it('leaves a log that passes the audit, also while the engine runs, and after a second restore', async () => {
    expect(await livegift('audit', '--data-dir', after.dataDir)).toMatchObject({ exitCode: 0 });
    const [again, twice] = [join(folder, 'again'), join(folder, 'twice')];
    expect(await livegift('backup', '--data-dir', after.dataDir, again)).toMatchObject({ exitCode: 0 });
    expect(await livegift('restore', again, '--data-dir', twice)).toMatchObject({ exitCode: 0 });
    expect(await livegift('audit', '--data-dir', twice)).toMatchObject({ exitCode: 0 });
  });

  it('exits 2 when it is used wrongly, and 1 when the backup is none or torn, and leaves nothing behind', async () => {
    const [backup, full] = [join(folder, 'backup'), join(folder, 'full')];
    mkdirSync(full);
    writeFileSync(join(full, 'precious.txt'), 'mine');
    for (const args of [
      [],
      [backup],
      [join(folder, 'none'), '--data-dir', join(folder, 'x')],
      [backup, '--data-dir', full],
    ]) {
      const run = await livegift('restore', ...args);
      expect({ args, ...run }).toMatchObject({ args, exitCode: 2, stdout: '' });
    }
    const torn = join(folder, 'torn');
    cpSync(backup, torn, { recursive: true });
    truncateSync(join(torn, 'data.mdb'), 20_000);
    for (const [from, says] of [
      [torn, /nothing was restored: .*data\.mdb/],
      [full, /not a complete backup/],
    ] as const) {
      const run = await livegift('restore', from, '--data-dir', join(folder, 'never'));
      expect(run).toMatchObject({ exitCode: 1, stdout: '', stderr: expect.stringMatching(says) });
      expect(run.stderr).not.toMatch(/\n\s+at /);
    }
    expect(readdirSync(folder)).not.toContain('never');
    expect(readdirSync(full)).toEqual(['precious.txt']);
  });

  it('keeps an engine from a directory in which a restore was interrupted', async () => {
    const half = join(folder, 'half');
    mkdirSync(join(half, '.restoring'), { recursive: true });
    await expect(startEngine({ dataDir: half, readyMsMax: 10_000 })).rejects.toThrow(/restore into it was interrupted/);
    expect(readdirSync(half)).toEqual(['.restoring']);
  });
});

describe('livegift reset', () => {
  it('refuses while the engine runs, and forgets a checkpoint when it does not', async () => {
    const running = await livegift('reset', 'settlement', '--data-dir', after.dataDir);
    expect(running).toMatchObject({ exitCode: 1, stdout: '', stderr: expect.stringMatching(/stop the engine first/) });
    const creator = (await api.get('/v1/creators/cleo')).body;
    await after.stop();
    for (const consumer of ['settlement', 'finisher', 'projector', 'publisher']) {
      const run = await livegift('reset', consumer, '--data-dir', after.dataDir, '--json');
      expect({ consumer, ...run }).toMatchObject({ consumer, exitCode: 0, stdout: expect.stringContaining(consumer) });
    }
    await after.up();
    const again = await eventually(
      async () => (await api.get('/v1/creators/cleo')).body,
      ({ creditedDiamonds }) => creditedDiamonds === creator['creditedDiamonds'],
    );
    expect(again).toMatchObject({ diamonds: creator['diamonds'], giftCount: creator['giftCount'] });
    expect(await livegift('audit', '--data-dir', after.dataDir)).toMatchObject({ exitCode: 0 });
  });

  it('exits 2 for a consumer that there is not, and names those that there are', async () => {
    const run = await livegift('reset', 'everything', '--data-dir', after.dataDir);
    expect(run).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('settlement, finisher, projector, publisher'),
    });
  });
});
