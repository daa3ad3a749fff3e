// One room with a thousand viewers: gifts go in through the API, and come out at every viewer, nothing missing.
import { withEngine } from './engine.js';
import { watchRoom, type RoomOrder, type RoomResult } from './room-clients.js';
import type { Row } from './row.js';

const BENCH = 'one live room, whole engine';
const CLIENTS = 1_000;
const SECONDS = 8;
const PACE = 500;
const PACE_P99_MS_MAX = 50;
/** Saturation: the pace doubles until a gift takes longer than this on its way. */
const SATURATED_MS = 1_000;
const PACES = [1_000, 2_000, 4_000] as const;

export async function run(): Promise<readonly Row[]> {
  return withEngine({}, async ({ url, port }) => {
    await furnish(url);
    const order = { port, roomId: 'stage', viewerId: 'fan', clients: CLIENTS, seconds: SECONDS };
    await watchRoom({ ...order, giftsPerSecond: PACE, seconds: 2, tag: 'warm-up' });
    const before = await cpuSeconds(url);
    const paced = await complete({ ...order, giftsPerSecond: PACE, tag: 'paced' });
    const cores = ((await cpuSeconds(url)) - before) / SECONDS;
    const rows: Row[] = [
      row(`${CLIENTS} WebSockets, ${PACE} gifts/s: p99 from request to frame`, paced.p99Ms, 'ms', {
        goal: `under ${PACE_P99_MS_MAX} ms`,
        reached: paced.p99Ms < PACE_P99_MS_MAX,
      }),
      row('the same, p50', paced.p50Ms, 'ms'),
      row('the same, cores used by the engine', cores, 'cores'),
    ];
    rows.push(...(await saturation(order)));
    return rows;
  });
}

async function saturation(order: Omit<RoomOrder, 'giftsPerSecond' | 'tag'>): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const giftsPerSecond of PACES) {
    const result = await watchRoom({ ...order, giftsPerSecond, tag: `pace-${giftsPerSecond}` });
    if (result.disordered > 0) throw new Error(`${result.disordered} frames came out of order`);
    const delivered = result.delivered / order.seconds;
    rows.push(row(`${giftsPerSecond} gifts/s: frames delivered`, delivered, 'frames/s'));
    rows.push(row(`${giftsPerSecond} gifts/s: p99`, result.p99Ms, 'ms'));
    // Beyond saturation viewers fall behind, and are cut off as too slow.
    if (result.missing > 0)
      rows.push(row(`${giftsPerSecond} gifts/s: missed by those cut off`, result.missing, 'frames'));
    if (result.missing > 0 || result.p99Ms > SATURATED_MS) break;
  }
  return rows;
}

async function complete(order: RoomOrder): Promise<RoomResult> {
  const result = await watchRoom(order);
  if (result.missing === 0 && result.disordered === 0) return result;
  throw new Error(`${result.missing} frames are missing, ${result.disordered} came out of order (${order.tag})`);
}

const row = (what: string, figure: number, unit: string, more: Partial<Row> = {}): Row => ({
  bench: BENCH,
  what,
  figure,
  unit,
  ...more,
});

async function furnish(url: string): Promise<void> {
  await post(url, '/v1/rooms', { roomId: 'stage', creatorId: 'singer' }, null);
  await post(url, '/v1/wallets', { viewerId: 'fan', region: 'DE', ageAssured: true }, null);
  const price = { amountMinor: 499, currency: 'USD' };
  const purchase = { coins: 900_000_000, price, provider: 'bench', paymentId: 'one' };
  await post(url, '/v1/wallets/fan/purchases', purchase, 'one');
}

async function post(url: string, path: string, body: object, key: string | null): Promise<void> {
  const headers = { 'content-type': 'application/json', ...(key === null ? {} : { 'idempotency-key': key }) };
  const answer = await fetch(`${url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
}

async function cpuSeconds(url: string): Promise<number> {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return Number(/^\w*process_cpu_seconds_total(?:\{[^}]*\})? (\S+)/m.exec(metrics)?.[1] ?? Number.NaN);
}
