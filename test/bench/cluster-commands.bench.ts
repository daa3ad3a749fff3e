// One gift-api and two of them, for any of the same wallets. The event store is the stand-in for EventStoreDB that the tests
// use: the figures say how the process scales, not how fast a real server is.
import { Cluster } from '../support/cluster.js';
import { isMissingServers } from './cluster-servers.js';
import { BULK_LINES, load, type LoadOrder, type LoadResult } from './http-load.js';
import type { Row } from './row.js';

const BENCH = 'cluster, gift-api (event store: the stand-in)';
const WALLETS = 2_000;
const ROOMS = 100;
const CONNECTIONS = 64;
const SINGLE_GIFTS = 6_000;
const BULK_GIFTS = 20_000;
const BULK_CONNECTIONS = 4;
const ROUNDS = 3;

interface Throughput {
  readonly single: number;
  readonly bulk: number;
}

/** Whatever process a command comes to, any of the wallets may be its own: as behind a door that knows nothing of wallets. */
export async function run(): Promise<readonly Row[]> {
  if (isMissingServers(BENCH)) return [];
  const cluster = await Cluster.startServers();
  try {
    // They answer queries from what projectors make of the log; commands need none.
    const [one, other] = [
      await cluster.addApp('gift-api', 'gift-api-1'),
      await cluster.addApp('gift-api', 'gift-api-2'),
    ];
    await cluster.ready();
    await furnish(one.port);
    const [ofOne, ofTwo]: Throughput[][] = [[], []];
    // In turns, so that both see the same machine.
    for (let round = 0; round <= ROUNDS; round++) {
      const alone = await throughput([one.port], `one-${round}`);
      const both = await throughput([one.port, other.port], `two-${round}`);
      // The first round warms up.
      if (round === 0) continue;
      ofOne!.push(alone);
      ofTwo!.push(both);
    }
    return [
      ...compared(`one gift a request, ${CONNECTIONS} connections, ${WALLETS} wallets`, ofOne!, ofTwo!, 'single'),
      ...compared(`bulk of ${BULK_LINES} lines, ${WALLETS} wallets`, ofOne!, ofTwo!, 'bulk'),
    ];
  } finally {
    await cluster.dispose();
  }
}

function compared(
  what: string,
  ofOne: readonly Throughput[],
  ofTwo: readonly Throughput[],
  kind: keyof Throughput,
): readonly Row[] {
  const [alone, both] = [median(ofOne.map((of) => of[kind])), median(ofTwo.map((of) => of[kind]))];
  return [
    { bench: BENCH, what: `${what}: one process`, figure: alone, unit: 'gifts/s' },
    {
      bench: BENCH,
      what: `${what}: two processes`,
      figure: both,
      unit: 'gifts/s',
      reference: { what: 'one process', figure: alone },
    },
  ];
}

async function throughput(ports: readonly number[], tag: string): Promise<Throughput> {
  const single = { kind: 'gift', requests: SINGLE_GIFTS, connections: CONNECTIONS } as const;
  const bulk = { kind: 'bulk', requests: BULK_GIFTS / BULK_LINES, connections: BULK_CONNECTIONS } as const;
  return {
    single: await rateOver(ports, { ...single, tag }),
    bulk: (await rateOver(ports, { ...bulk, tag: `${tag}-bulk` })) * BULK_LINES,
  };
}

/** Requests and connections are dealt out to the ports; the slowest says how long it took. */
async function rateOver(
  ports: readonly number[],
  order: Pick<LoadOrder, 'kind' | 'requests' | 'connections' | 'tag'>,
): Promise<number> {
  const [requests, connections] = [order.requests / ports.length, order.connections / ports.length];
  const base = { ...order, requests, connections, wallets: WALLETS, rooms: ROOMS };
  const results = await Promise.all(ports.map((port) => checked({ ...base, port, tag: `${order.tag}-${port}` })));
  return order.requests / Math.max(...results.map(({ seconds }) => seconds));
}

async function furnish(port: number): Promise<void> {
  const base = { port, connections: CONNECTIONS, rooms: ROOMS, wallets: WALLETS };
  await checked({ ...base, kind: 'open-room', requests: ROOMS, tag: 'rooms' });
  await checked({ ...base, kind: 'open-wallet', requests: WALLETS, tag: 'wallets' });
  await checked({ ...base, kind: 'buy', requests: WALLETS, tag: 'coins' });
}

async function checked(order: LoadOrder): Promise<LoadResult> {
  const result = await load(order);
  if (result.failed === 0) return result;
  throw new Error(`${result.failed} of ${order.requests} ${order.kind} requests (${order.tag}) failed`);
}

const median = (figures: readonly number[]): number => figures.toSorted((a, b) => a - b)[figures.length >> 1]!;
