// Starting on a large log: how fast read models are rebuilt, when the engine is ready, how much memory it then holds.
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { openLmdbEventStore } from '@livegift/event-store-lmdb';
import { withDirectory, withEngine } from './engine.js';
import { load } from './http-load.js';
import type { Row } from './row.js';
import { seedLog } from './seed-log.js';

const BENCH = 'starting on history';
const WALLETS = Number(process.env['BENCH_WALLETS'] ?? 1_000_000);
const GIFTS_PER_WALLET = 10;
const ROOMS = 1_000;
const HOURS = 24;
/** Of wallets that have given before, in the same hour: from round to round memory is to stay where it is. */
const MORE_GIFTS = 100_000;
const MORE_ROUNDS = 5;
const READ_MODEL_SNAPSHOT = 'read-model.snapshot';
const GIB = 2 ** 30;

export async function run(): Promise<readonly Row[]> {
  return withDirectory(async (dataDir) => {
    const store = await openLmdbEventStore({ directory: dataDir });
    const begun = performance.now();
    const beginsAtMs = Math.floor(Date.now() / 3_600_000) * 3_600_000 - HOURS * 3_600_000;
    const events = await seedLog(store, {
      wallets: WALLETS,
      giftsPerWallet: GIFTS_PER_WALLET,
      rooms: ROOMS,
      beginsAtMs,
      hours: HOURS,
    });
    await store.close();
    process.stderr.write(`seeded ${events} events in ${((performance.now() - begun) / 1_000).toFixed(0)} s\n`);
    return [...(await firstStart(dataDir, events)), ...(await snapshotStart(dataDir)), ...(await rebuild(dataDir))];
  });
}

/** The first start also settles all of the gifts, beside rebuilding: the hardest start there is. */
async function firstStart(dataDir: string, events: number): Promise<readonly Row[]> {
  const begun = performance.now();
  return withEngine({ dataDir }, async (engine) => {
    const seconds = (performance.now() - begun) / 1_000;
    await settled(engine.port, WALLETS * GIFTS_PER_WALLET);
    return [row('ready while settling everything', events / seconds, 'events/s', {})];
  });
}

/** As any start after the first: the read model comes from its snapshot, and the log only from there on. */
async function snapshotStart(dataDir: string): Promise<readonly Row[]> {
  const events = await eventsIn(dataDir);
  const begun = performance.now();
  return withEngine({ dataDir }, async (engine) => {
    const perTenMillion = ((performance.now() - begun) / 1_000 / events) * 10_000_000;
    const bytes = [ownBytes(engine.pid!)];
    for (let round = 0; round < MORE_ROUNDS; round++) {
      const order = { port: engine.port, connections: 64, kind: 'gift', wallets: 10_000, rooms: 10 } as const;
      const { failed } = await load({ ...order, requests: MORE_GIFTS, tag: `more-${round}` });
      if (failed > 0) throw new Error(`${failed} gifts failed`);
      bytes.push(ownBytes(engine.pid!));
    }
    const what = `memory with ${WALLETS.toLocaleString('en-US')} wallets and ten gifts each`;
    const memory = { goal: 'under 1.5', reached: bytes[0]! / GIB < 1.5 };
    return [
      row('ready from a snapshot, per 10 million events', perTenMillion, 's', {
        goal: 'under 20 s',
        reached: perTenMillion < 20,
      }),
      row(what, bytes[0]! / GIB, 'GiB', memory),
      ...bytes.slice(1).map((held, round) => {
        const gifts = ((round + 1) * MORE_GIFTS).toLocaleString('en-US');
        return row(`the same after ${gifts} more gifts of known wallets`, held / GIB, 'GiB', {});
      }),
    ];
  });
}

/** Without a snapshot, as after a change of what is folded: everything is read from the log. */
async function rebuild(dataDir: string): Promise<readonly Row[]> {
  const events = await eventsIn(dataDir);
  rmSync(join(dataDir, READ_MODEL_SNAPSHOT), { recursive: true });
  const begun = performance.now();
  return withEngine({ dataDir }, async () => {
    const perSecond = (events / (performance.now() - begun)) * 1_000;
    const goal = { goal: '500,000', reached: perSecond >= 500_000 };
    return [row('rebuilt from the whole log, from starting the process to ready', perSecond, 'events/s', goal)];
  });
}

async function eventsIn(dataDir: string): Promise<number> {
  const reader = await openLmdbEventStore({ directory: dataDir });
  const events = Number(await reader.head());
  await reader.close();
  return events;
}

function row(what: string, figure: number, unit: string, more: Partial<Row>): Row {
  return { bench: BENCH, what, figure, unit, ...more };
}

/** Memory of the process's own. The log's pages that LMDB maps are the page cache's: the system takes them back at will. */
function ownBytes(pid: number): number {
  const match = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  if (match === null) throw new Error('the system does not tell the memory of a process');
  return Number(match[1]) * 1_024;
}

/** Waits until as many diamonds as the gifts earn have been credited. */
async function settled(port: number, gifts: number): Promise<void> {
  const deadline = performance.now() + 20 * 60_000;
  while (performance.now() < deadline) {
    const board = await fetch(`http://127.0.0.1:${port}/v1/leaderboards/creators?limit=100`);
    if (board.ok && (await creditsOf(port, ROOMS)) >= gifts * 50) return;
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
  throw new Error('settlement did not come to an end');
}

async function creditsOf(port: number, creators: number): Promise<number> {
  let credited = 0;
  for (let creator = 0; creator < creators; creator++) {
    const answer = (await (await fetch(`http://127.0.0.1:${port}/v1/creators/creator-${creator}`)).json()) as {
      readonly creditedDiamonds: number;
    };
    credited += answer.creditedDiamonds;
  }
  return credited;
}
