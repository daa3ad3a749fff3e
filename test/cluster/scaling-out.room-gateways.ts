/// <reference types="jest" />
import { ApiClient, eventually, type Answer } from '../support/api-client.js';
import type { Cluster } from '../support/cluster.js';
import { openSse, openWebSocket, type RoomConnection, type RoomFrame } from '../support/room-clients.js';
import { definite, openWallet } from './scaling-out.crowd.js';
import { SEEN_MS_MAX } from './scaling-out.witnesses.js';

/** Two gateways show the same rooms: to a client it makes no difference which of them it has. */
export function describeTwoRoomGateways(clusterOf: () => Cluster): void {
  describe('of room-gateway', () => {
    const framesOf = (frames: readonly RoomFrame[]): readonly RoomFrame[] =>
      frames.filter(({ type }) => type === 'gift');
    const welcomed = (connection: RoomConnection): Promise<unknown> =>
      eventually(
        async () => connection.frames[0]?.type,
        (type) => type === 'welcome',
        SEEN_MS_MAX,
      );

    it('each serves everything, and a client that moves in the middle of a streak goes on as if it had not', async () => {
      const [moves, seenBetween] = [6, 8];
      const cluster = clusterOf();
      const apis = cluster.appsOf('gift-api').map(({ url }) => new ApiClient(url));
      await openWallet(apis[0]!, 'fan', 10_000);
      expect(await apis[0]!.post('/v1/rooms', { roomId: 'stage', creatorId: 'singer' })).toMatchObject({ status: 201 });
      const gateways = cluster.appsOf('room-gateway').map(({ url }) => url);
      await Promise.all(
        gateways.map((url) =>
          eventually(
            () => statusOf(url, 'stage'),
            (status) => status === 200,
            SEEN_MS_MAX,
          ),
        ),
      );
      const watching = gateways.flatMap((url) => [openWebSocket, openSse].map((open) => open(url, 'stage', null)));
      await Promise.all(watching.map(welcomed));

      const work = { goesOn: true };
      const sent: Answer[] = [];
      const sending = (async () => {
        while (work.goesOn) {
          const gift = { viewerId: 'fan', gift: 'rose' };
          sent.push(await definite(apis, '/v1/rooms/stage/gifts', `streak ${sent.length}`, gift));
        }
      })();
      const mover: RoomFrame[] = [];
      let connection: RoomConnection | null = null;
      let from: string | null = watching[0]!.frames[0]!.frameId!;
      for (let move = 0; move <= moves; move++) {
        const before = framesOf(mover).length;
        const open = move % 4 < 2 ? openWebSocket : openSse;
        // What still comes over a connection that it has left, it does not see.
        let isHere = true;
        connection = open(gateways[move % 2]!, 'stage', from, (frame) => {
          if (isHere) mover.push(frame);
        });
        await eventually(
          async () => framesOf(mover).length,
          (gifts) => gifts >= before + seenBetween,
          SEEN_MS_MAX,
        );
        if (move === moves) break;
        isHere = false;
        connection.close();
        from = framesOf(mover).at(-1)!.frameId!;
      }
      work.goesOn = false;
      await sending;
      const isEnded = ({ type }: RoomFrame): boolean => type === 'streak-ended';
      const all = [...watching.map(({ frames }) => frames), mover];
      await eventually(async () => all.every((frames) => frames.some(isEnded)), Boolean, SEEN_MS_MAX);
      for (const open of [...watching, connection!]) open.close();

      const expected = sent.map(({ body }) => ({
        giftId: body['giftId'],
        streak: body['streak'],
        position: body['position'],
      }));
      expect(new Set(expected.map(({ streak }) => (streak as { id: string }).id)).size).toBe(1);
      const { frames: witnessed } = watching[0]!;
      expect(framesOf(witnessed).map(({ giftId, streak, position }) => ({ giftId, streak, position }))).toEqual(
        expected,
      );
      for (const frames of all) {
        expect(framesOf(frames)).toEqual(framesOf(witnessed));
        expect(frames.filter(isEnded)).toEqual([
          {
            type: 'streak-ended',
            streak: { id: (expected[0]!.streak as { id: string }).id, count: sent.length, coins: sent.length },
            viewerId: 'fan',
            gift: 'rose',
          },
        ]);
      }
      const resumes = mover.filter(({ type }) => type === 'recovered');
      expect(resumes).toEqual(Array.from({ length: moves + 1 }, () => ({ type: 'recovered', complete: true })));
    });
  });
}

async function statusOf(gateway: string, roomId: string): Promise<number> {
  const stop = new AbortController();
  const { status } = await fetch(`${gateway}/v1/rooms/${roomId}/events`, { signal: stop.signal });
  stop.abort();
  return status;
}
