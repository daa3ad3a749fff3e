// What a gift costs when its wallet has a million events behind it, against a wallet that has ten; also right after a restart.
import { openLmdbEventStore } from '@livegift/event-store-lmdb';
import { withDirectory, withEngine } from './engine.js';
import { load, type LoadResult } from './http-load.js';
import type { Row } from './row.js';
import { seedLog } from './seed-log.js';

const LONG_WALLET_GIFTS = Number(process.env['BENCH_LONG_WALLET_GIFTS'] ?? 1_000_000);
const SHORT_WALLET_GIFTS = 10;
const GIFTS_RIGHT_AFTER_START = 100;
const GIFTS_MEASURED = 3_000;
const ROUNDS = 5;

export async function run(): Promise<readonly Row[]> {
  const short = await medianGift(SHORT_WALLET_GIFTS);
  const long = await medianGift(LONG_WALLET_GIFTS);
  return [row('right after a restart', short.afterStart, long.afterStart), row('once warm', short.warm, long.warm)];
}

function row(when: string, shortMs: number, longMs: number): Row {
  return {
    bench: 'long wallet',
    what: `a gift at event ${LONG_WALLET_GIFTS.toLocaleString('en-US')}, ${when}`,
    figure: longMs,
    unit: 'ms',
    reference: { what: `at event ${SHORT_WALLET_GIFTS}`, figure: shortMs },
    goal: 'at most 1.20',
    reached: longMs / shortMs <= 1.2,
  };
}

/** Milliseconds a gift, one at a time: the first hundred after a start, and then. Medians over restarts. */
async function medianGift(gifts: number): Promise<{ readonly afterStart: number; readonly warm: number }> {
  return withDirectory(async (dataDir) => {
    const store = await openLmdbEventStore({ directory: dataDir });
    await seedLog(store, { wallets: 1, giftsPerWallet: gifts, rooms: 1, beginsAtMs: Date.now() - 3_600_000, hours: 1 });
    await store.close();
    await withEngine({ dataDir }, async ({ port }) => {
      await oneByOne(port, GIFTS_MEASURED, 'snapshot');
    });
    const afterStart: number[] = [];
    const warm: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      await withEngine({ dataDir }, async ({ port }) => {
        afterStart.push(msPerGift(await oneByOne(port, GIFTS_RIGHT_AFTER_START, `start-${round}`)));
        warm.push(msPerGift(await oneByOne(port, GIFTS_MEASURED, `warm-${round}`)));
      });
    }
    return { afterStart: middle(afterStart), warm: middle(warm) };
  });
}

function oneByOne(port: number, requests: number, tag: string): Promise<LoadResult> {
  return load({ port, connections: 1, requests, kind: 'gift', wallets: 1, rooms: 1, tag: `${tag}-${Date.now()}` });
}

function msPerGift(result: LoadResult): number {
  if (result.failed > 0) throw new Error(`${result.failed} gifts failed`);
  return (result.seconds * 1_000) / result.answered;
}

function middle(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}
