/** A viewer who comes back to a room that was quiet for longer than its window, after the engine was restarted. */
import type { GiftSent } from '@livegift/domain';
import { openLmdbEventStore } from '@livegift/event-store-lmdb';
import type { Position } from '@livegift/kernel';
import { seedLog } from '../bench/seed-log.js';
import { eventually } from '../support/api-client.js';
import { startEngine, type Engine } from '../support/engine.js';
import { openSse, openWebSocket, type RoomFrame } from '../support/room-clients.js';

const HOUR_MS = 3_600_000;
const ROOM = 'room-0';

let engine: Engine;
let epoch: string;
/** Positions of the room's gifts, a day old. */
let gifts: readonly Position[];

beforeAll(async () => {
  engine = await startEngine();
  await engine.stop();
  const store = await openLmdbEventStore({ directory: engine.dataDir });
  const after = await store.head();
  const beginsAtMs = Date.now() - 24 * HOUR_MS;
  await seedLog(store, { wallets: 3, giftsPerWallet: 4, rooms: 2, beginsAtMs, hours: 20 });
  const events = await store.readAll({ after, limit: 1_000 });
  gifts = events
    .filter(({ type, data }) => type === 'GiftSent' && (data as GiftSent['data']).roomId === ROOM)
    .map(({ position }) => position);
  epoch = store.storeId;
  await store.close();
  await engine.up();
}, 60_000);
afterAll(async () => engine.dispose());

async function recovered(open: typeof openWebSocket | typeof openSse, position: Position): Promise<RoomFrame> {
  const connection = open(engine.url, ROOM, `${epoch}:${position}`);
  const frame = await eventually(
    async () => connection.frames.find(({ type }) => type === 'recovered'),
    (found) => found !== undefined,
  );
  connection.close();
  return frame!;
}

it.each([
  ['WebSocket', openWebSocket],
  ['server-sent events', openSse],
])('is told over %s that nothing was missed, or that something was', async (_, open) => {
  const [last, beforeLast] = [gifts.at(-1)!, gifts.at(-2)!];
  expect(await recovered(open, beforeLast)).toMatchObject({ complete: false });
  expect(await recovered(open, last)).toMatchObject({ complete: true });
});
