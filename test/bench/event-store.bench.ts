// The embedded event store through its port, against raw LMDB writing the very same bytes; and reading the log back.
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { openLmdbEventStore } from '@livegift/event-store-lmdb';
import type { NewEvent, Position } from '@livegift/kernel';
import { withDirectory } from './engine.js';
import { appendRaw } from './raw-lmdb.js';
import type { Row } from './row.js';

const STREAMS = 10_000;
const ROUNDS = Number(process.env['BENCH_EVENT_STORE_ROUNDS'] ?? 30);
const WARM_UP_ROUNDS = 3;
const READ_PAGE_EVENTS = 1_000;
const READ_PASSES = 3;

export async function run(): Promise<readonly Row[]> {
  return withDirectory(async (directory) => {
    const appended = await appendThroughPort(directory);
    const raw = await appendRaw({
      from: directory,
      to: join(directory, 'raw'),
      transactionEvents: STREAMS,
      warmUpTransactions: WARM_UP_ROUNDS,
    });
    return [
      {
        bench: 'event store',
        what: `group commits of ${STREAMS.toLocaleString('en-US')} streams, one event each`,
        figure: appended,
        unit: 'events/s',
        reference: { what: 'raw LMDB, same bytes', figure: raw },
        goal: '250,000/s',
        reached: appended >= 250_000,
      },
      await readBack(directory),
    ];
  });
}

/** Events are made outside the measured time; only `append` until durable is in it. */
async function appendThroughPort(directory: string): Promise<number> {
  const store = await openLmdbEventStore({ directory });
  let seconds = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const expected = round === 0 ? 'no-stream' : round - 1;
    const gifts = Array.from({ length: STREAMS }, (_, viewer) => [giftSent(viewer)]);
    const started = performance.now();
    await Promise.all(gifts.map((gift, viewer) => store.append(`wallet-viewer${viewer}`, gift, expected)));
    if (round >= WARM_UP_ROUNDS) seconds += (performance.now() - started) / 1_000;
  }
  await store.close();
  return ((ROUNDS - WARM_UP_ROUNDS) * STREAMS) / seconds;
}

async function readBack(directory: string): Promise<Row> {
  const store = await openLmdbEventStore({ directory });
  let best = 0;
  for (let pass = 0; pass < READ_PASSES; pass++) {
    const started = performance.now();
    let events = 0;
    for (let after: Position | null = null; ;) {
      const page = await store.readAll({ after, limit: READ_PAGE_EVENTS });
      if (page.length === 0) break;
      events += page.length;
      after = page.at(-1)!.position;
    }
    best = Math.max(best, events / ((performance.now() - started) / 1_000));
  }
  await store.close();
  return {
    bench: 'event store',
    what: 'the log read back and decoded',
    figure: best,
    unit: 'events/s',
    goal: '1,500,000/s',
    reached: best >= 1_500_000,
  };
}

function giftSent(viewer: number): NewEvent {
  const [room, occurredAt] = [viewer % 100, '2026-03-01T12:00:00.000Z'];
  return {
    id: randomUUID(),
    type: 'GiftSent',
    schemaVersion: 1,
    data: {
      giftId: `viewer${viewer}.7`,
      roomId: `room-${room}`,
      creatorId: `creator-${room}`,
      viewerId: `viewer${viewer}`,
      gift: 'rose',
      quantity: 3,
      coins: 3,
      diamonds: 150,
      creatorShareBps: 5_000,
      message: null,
      sender: { name: `name ${viewer}`, avatarUrl: null },
      streak: { id: `viewer${viewer}.5`, count: 6 },
      balance: 99_999,
      occurredAt,
      imported: false,
    },
    metadata: {
      $correlationId: randomUUID(),
      $causationId: randomUUID(),
      recordedAt: occurredAt,
      idempotencyKey: randomUUID(),
      bodyHash: 'd41d8cd98f00b204e9800998ecf8427e',
      previousOfType: 3,
    },
  };
}
