// Gifts through the public API: one a request, in bulk, and all of them from one wallet to one creator.
import { join } from 'node:path';
import { openLmdbEventStore } from '@livegift/event-store-lmdb';
import { startBareServer } from './bare-server.js';
import { withDirectory, withEngine } from './engine.js';
import { BULK_LINES, load, type LoadOrder, type LoadResult } from './http-load.js';
import { appendRaw } from './raw-lmdb.js';
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
  return withDirectory(async (dataDir) => {
    const measured = await rounds(dataDir);
    const round = median(measured, ({ spread, bare }) => rate(spread) / rate(bare));
    return rowsOf(round, await rawGiftsPerSecond(dataDir));
  });
}

async function rounds(dataDir: string): Promise<readonly Round[]> {
  const bare = await startBareServer();
  try {
    return await withEngine({ dataDir }, async (engine) => {
      await furnish(engine.port);
      const base = {
        port: engine.port,
        connections: CONNECTIONS,
        kind: 'gift',
        requests: SINGLE_GIFTS,
        rooms: ROOMS,
        wallets: WALLETS,
      } as const;
      const measured: Round[] = [];
      for (let round = 0; round < ROUNDS; round++) {
        measured.push({
          bare: await checked({ ...base, port: bare.port, tag: `bare-${round}` }),
          spread: await checked({ ...base, tag: `spread-${round}` }),
          hot: await checked({ ...base, wallets: 1, rooms: 1, tag: `hot-${round}` }),
          bulk: await checked({ ...bulkOrder(engine.port, WALLETS, ROOMS), tag: `bulk-${round}` }),
          hotBulk: await checked({ ...bulkOrder(engine.port, 1, 1), tag: `hot-bulk-${round}` }),
        });
      }
      return measured;
    });
  } finally {
    bare.stop();
  }
}

/**
 * What LMDB takes of the same bytes, as gifts: for each gift the log has its credit too. A transaction holds what the
 * connections of a bulk load have under way.
 */
async function rawGiftsPerSecond(dataDir: string): Promise<number> {
  const eventsPerSecond = await appendRaw({
    from: dataDir,
    to: join(dataDir, 'raw'),
    transactionEvents: BULK_CONNECTIONS * BULK_LINES,
    warmUpTransactions: 3,
  });
  const store = await openLmdbEventStore({ directory: dataDir });
  const events = Number(await store.head());
  await store.close();
  return eventsPerSecond * ((ROUNDS * 2 * (SINGLE_GIFTS + BULK_GIFTS)) / events);
}

interface Round {
  readonly bare: LoadResult;
  readonly spread: LoadResult;
  readonly hot: LoadResult;
  readonly bulk: LoadResult;
  readonly hotBulk: LoadResult;
}

function rowsOf({ bare, spread, hot, bulk, hotBulk }: Round, rawGifts: number): readonly Row[] {
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
    row('the same, p99', spread.p99Ms, 'ms', {
      reference: { what: 'bare node:http, its p99', figure: bare.p99Ms },
      goal: 'under 25 ms on a quiet machine',
      reached: spread.p99Ms < 25,
    }),
    row('one gift a request, one wallet, one creator', rate(hot), 'gifts/s', {
      reference: { what: 'spread out', figure: rate(spread) },
      goal: '0.50',
      reached: rate(hot) / rate(spread) >= 0.5,
    }),
    row('bulk of 1,000 lines, 10,000 wallets', bulkRate, 'gifts/s', {
      reference: { what: 'raw LMDB, the same bytes', figure: rawGifts },
      goal: '0.10 (and 100,000 on a quiet machine)',
      reached: bulkRate / rawGifts >= 0.1,
    }),
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
