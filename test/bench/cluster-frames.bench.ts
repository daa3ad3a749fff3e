// End to end through every app of the cluster, a real Redis and a real Kafka; the event store is the stand-in for EventStoreDB.
import { ApiClient } from '../support/api-client.js';
import { Cluster } from '../support/cluster.js';
import { isMissingServers } from './cluster-servers.js';
import { watchRoom, type RoomOrder, type RoomResult } from './room-clients.js';
import type { Row } from './row.js';

const BENCH = 'cluster, HTTP to frame (event store: the stand-in)';
/** The goal is for the last one; the others show from where on two cores for everything are too few. */
const PACES = [100, 250, 500];
const PACE_SECONDS = 10;
/** Seven processes and a broker that have just started compile for most of a minute, on the two cores that are measured. */
const WARM_UP_SECONDS = 40;
/** On a machine that is too busy frames come late, and that is to be seen in the figure. */
const PATIENCE_MS = 60_000;
const P99_MS_MAX = 100;
const CLIENTS = 100;
const ROOMS = 20;
/** One client in so many reads its frames; of several rooms, one or more in each. */
const READS_EVERY = 5;
const price = { amountMinor: 499, currency: 'USD' };

/** Clients at the gateway, gifts at the gift-api; the request is sent and the frame read in the same, other process. */
export async function run(): Promise<readonly Row[]> {
  if (isMissingServers(BENCH)) return [];
  const cluster = await Cluster.start();
  try {
    const [gateway, giftApi] = [cluster.app('room-gateway'), cluster.app('gift-api')];
    await furnishRooms(new ApiClient(giftApi.url), gateway.url);
    const base = {
      port: gateway.port,
      giftPort: giftApi.port,
      clients: CLIENTS,
      readsEvery: READS_EVERY,
      patienceMs: PATIENCE_MS,
    };
    const places = [
      ['one room', { ...base, roomId: 'stage', viewerId: 'fan' }],
      [`${ROOMS} rooms`, { ...base, roomId: 'room', viewerId: 'v', rooms: ROOMS }],
    ] as const;
    for (const [what, place] of places) {
      const warmUp = {
        giftsPerSecond: PACES.at(-1)!,
        seconds: WARM_UP_SECONDS / places.length,
        tag: `warm-up ${what}`,
      };
      await complete({ ...place, ...warmUp });
    }
    const rows: Row[] = [];
    for (const giftsPerSecond of PACES) {
      for (const [what, place] of places) {
        const order = { ...place, giftsPerSecond, seconds: PACE_SECONDS, tag: `${giftsPerSecond} ${what}` };
        rows.push(...rowsOf(what, giftsPerSecond, await complete(order)));
      }
    }
    return rows;
  } finally {
    await cluster.dispose();
  }
}

function rowsOf(what: string, giftsPerSecond: number, { p50Ms, p99Ms }: RoomResult): readonly Row[] {
  const asked = `${giftsPerSecond} gifts/s into ${what}, ${CLIENTS} WebSockets`;
  const goal = giftsPerSecond === PACES.at(-1) ? { goal: `under ${P99_MS_MAX} ms`, reached: p99Ms < P99_MS_MAX } : {};
  return [
    { bench: BENCH, what: `${asked}: p99 from request to frame`, figure: p99Ms, unit: 'ms', ...goal },
    { bench: BENCH, what: 'the same, p50', figure: p50Ms, unit: 'ms' },
  ];
}

async function complete(order: RoomOrder): Promise<RoomResult> {
  const result = await watchRoom(order);
  if (result.missing === 0 && result.disordered === 0) return result;
  throw new Error(`${result.missing} frames are missing, ${result.disordered} came out of order (${order.tag})`);
}

async function furnishRooms(api: ApiClient, gateway: string): Promise<void> {
  const places = [['stage', 'fan'], ...Array.from({ length: ROOMS }, (_, n) => [`room-${n}`, `v-${n}`])];
  for (const [roomId, viewerId] of places as [string, string][]) {
    const room = await api.post('/v1/rooms', { roomId, creatorId: `creator-of-${roomId}` });
    const wallet = await api.post('/v1/wallets', { viewerId, region: 'DE', ageAssured: true });
    const purchase = { coins: 900_000_000, price, provider: 'bench', paymentId: viewerId };
    const bought = await api.keyed(`/v1/wallets/${viewerId}/purchases`, 'coins', purchase);
    if ([room, wallet, bought].some(({ status }) => status !== 201))
      throw new Error(`${roomId} could not be furnished`);
    // A gateway hears of a room by way of the read model.
    while ((await eventsStatus(gateway, roomId)) !== 200) await new Promise((done) => setTimeout(done, 50));
  }
}

async function eventsStatus(gateway: string, roomId: string): Promise<number> {
  const stop = new AbortController();
  const { status } = await fetch(`${gateway}/v1/rooms/${roomId}/events`, { signal: stop.signal });
  stop.abort();
  return status;
}
