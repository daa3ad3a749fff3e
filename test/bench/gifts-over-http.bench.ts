// Gifts through the public API: one a request, in bulk, and all of them from one wallet to one creator.
import { startBareServer } from './bare-server.js';
import { withEngine } from './engine.js';
import { BULK_LINES, load, type LoadOrder, type LoadResult } from './http-load.js';
import type { Row } from './row.js';

const BENCH = 'gifts over HTTP';
const CONNECTIONS = 64;
const WALLETS = 10_000;
const ROOMS = 100;
const SINGLE_GIFTS = 30_000;
const BULK_GIFTS = 200_000;
const BULK_CONNECTIONS = 4;
const ROUNDS = 3;

export async function run(): Promise<readonly Row[]> {
  const bare = await startBareServer();
  try {
    return await withEngine({}, async (engine) => {
      await furnish(engine.port);
      const base = {
        port: engine.port,
        connections: CONNECTIONS,
        kind: 'gift',
        requests: SINGLE_GIFTS,
        rooms: ROOMS,
        wallets: WALLETS,
      } as const;
      const rounds = [];
      for (let round = 0; round < ROUNDS; round++) {
        rounds.push({
          bare: await checked({ ...base, port: bare.port, tag: `bare-${round}` }),
          spread: await checked({ ...base, tag: `spread-${round}` }),
          hot: await checked({ ...base, wallets: 1, rooms: 1, tag: `hot-${round}` }),
          bulk: await checked({ ...bulkOrder(engine.port, WALLETS, ROOMS), tag: `bulk-${round}` }),
          hotBulk: await checked({ ...bulkOrder(engine.port, 1, 1), tag: `hot-bulk-${round}` }),
        });
      }
      return rowsOf(median(rounds, (round) => rate(round.spread) / rate(round.bare)));
    });
  } finally {
    bare.stop();
  }
}

interface Round {
  readonly bare: LoadResult;
  readonly spread: LoadResult;
  readonly hot: LoadResult;
  readonly bulk: LoadResult;
  readonly hotBulk: LoadResult;
}

function rowsOf({ bare, spread, hot, bulk, hotBulk }: Round): readonly Row[] {
  const bareServer = { what: 'bare node:http', figure: rate(bare) };
  const bulkRate = rate(bulk) * BULK_LINES;
  const hotBulkRate = rate(hotBulk) * BULK_LINES;
  const row = (what: string, figure: number, unit: string, more: Partial<Row>): Row => ({
    bench: BENCH,
    what,
    figure,
    unit,
    ...more,
  });
  return [
    row('one gift a request, 64 connections, 10,000 wallets', rate(spread), 'gifts/s', {
      reference: bareServer,
      goal: '0.30',
      reached: rate(spread) / bareServer.figure >= 0.3,
    }),
    row('the same, p99', spread.p99Ms, 'ms', { goal: 'under 25 ms', reached: spread.p99Ms < 25 }),
    row('one gift a request, one wallet, one creator', rate(hot), 'gifts/s', {
      reference: { what: 'spread out', figure: rate(spread) },
      goal: '0.50',
      reached: rate(hot) / rate(spread) >= 0.5,
    }),
    row('bulk of 1,000 lines, 10,000 wallets', bulkRate, 'gifts/s', { goal: '100,000', reached: bulkRate >= 100_000 }),
    row('bulk of 1,000 lines, one wallet, one creator', hotBulkRate, 'gifts/s', {
      reference: { what: 'spread out', figure: bulkRate },
      goal: '0.50',
      reached: hotBulkRate / bulkRate >= 0.5,
    }),
  ];
}

function bulkOrder(port: number, wallets: number, rooms: number): Omit<LoadOrder, 'tag'> {
  return { port, connections: BULK_CONNECTIONS, kind: 'bulk', requests: BULK_GIFTS / BULK_LINES, wallets, rooms };
}

/** Rooms, wallets, and coins in each. */
async function furnish(port: number): Promise<void> {
  const base = { port, connections: CONNECTIONS, rooms: ROOMS, wallets: WALLETS };
  await checked({ ...base, kind: 'open-room', requests: ROOMS, tag: 'rooms' });
  await checked({ ...base, kind: 'open-wallet', requests: WALLETS, tag: 'wallets' });
  await checked({ ...base, kind: 'buy', requests: WALLETS, tag: 'coins' });
}

async function checked(order: LoadOrder): Promise<LoadResult> {
  const result = await load(order);
  if (result.failed > 0)
    throw new Error(`${result.failed} of ${order.requests} ${order.kind} requests (${order.tag}) failed`);
  return result;
}

function rate(result: LoadResult): number {
  return result.answered / result.seconds;
}

function median<Item>(items: readonly Item[], by: (item: Item) => number): Item {
  return items.toSorted((a, b) => by(a) - by(b))[Math.floor(items.length / 2)]!;
}
