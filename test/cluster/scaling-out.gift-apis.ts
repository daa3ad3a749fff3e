/// <reference types="jest" />
import type { AppProcess } from '@livegift/local-servers';
import { ApiClient, type Answer } from '../support/api-client.js';
import type { Cluster } from '../support/cluster.js';
import { definite, openWallet, price } from './scaling-out.crowd.js';
import { giftsIn, idsOf, logOf, metricOf } from './scaling-out.witnesses.js';

/** Two gift-apis take commands for the same wallets: neither knows of the other but through the log. */
export function describeTwoGiftApis(clusterOf: () => Cluster): void {
  const giftApisOf = (): readonly AppProcess[] => clusterOf().appsOf('gift-api');

  describe('of gift-api, one wallet', () => {
    const ROOM = 'scaling-out';
    const giftAt = (api: ApiClient, key: string, gift: object): Promise<Answer> =>
      api.keyed(`/v1/rooms/${ROOM}/gifts`, key, gift);

    let apis: readonly ApiClient[];
    const conflicts = async (): Promise<number> => {
      const counts = giftApisOf().map((process) => metricOf(process, 'commands_conflicts_total'));
      return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
    };

    beforeAll(async () => {
      apis = giftApisOf().map(({ url }) => new ApiClient(url));
      const room = { roomId: ROOM, creatorId: 'cleo' };
      expect(await apis[0]!.post('/v1/rooms', room)).toMatchObject({ status: 201 });
    });

    it('is never overdrawn, loses no gift, and a conflict is decided again', async () => {
      const [coins, attempts, atOnce] = [250, 400, 16];
      await openWallet(apis[0]!, 'hot', coins);
      const before = await conflicts();
      let next = 0;
      const answers: Answer[] = [];
      const sender = async (first: ApiClient, then: ApiClient): Promise<void> => {
        while (next < attempts) {
          const gift = { viewerId: 'hot', gift: 'rose' };
          answers.push(await definite([first, then], `/v1/rooms/${ROOM}/gifts`, `hot ${next++}`, gift));
        }
      };
      const [one, other] = apis as [ApiClient, ApiClient];
      await Promise.all(
        Array.from({ length: atOnce }, (_, index) => (index % 2 === 0 ? sender(one, other) : sender(other, one))),
      );
      const accepted = answers.filter(({ status }) => status === 201);
      const refused = answers.filter(({ body }) => body['code'] === 'balance-too-low');
      expect([accepted.length, refused.length]).toEqual([coins, attempts - coins]);
      const balances = accepted.map(({ body }) => Number(body['balance'])).toSorted((a, b) => a - b);
      expect(balances).toEqual(Array.from({ length: coins }, (_, balance) => balance));
      const events = (await logOf(clusterOf())).filter(({ stream }) => stream === 'wallet-hot');
      const acknowledged = accepted.map(({ body }) => body['giftId'] as string);
      expect(idsOf(giftsIn(events)).toSorted()).toEqual(acknowledged.toSorted());
      expect(await conflicts()).toBeGreaterThan(before);
    });

    it('acts once on one key, and both processes give its answer', async () => {
      await openWallet(apis[0]!, 'twice', 1_000);
      const replayed = ({ headers }: Answer): boolean => headers.get('idempotency-replayed') === 'true';
      const both = (path: string, key: string, body: object): Promise<readonly Answer[]> =>
        Promise.all(apis.map((api) => definite([api], path, key, body)));
      const giftIds: string[] = [];
      for (let turn = 0; turn < 10; turn++) {
        const gift = { viewerId: 'twice', gift: 'rose', quantity: 1 + turn };
        const gifts = await both(`/v1/rooms/${ROOM}/gifts`, `twice ${turn}`, gift);
        const payment = { coins: 1 + turn, price, provider: 'shop', paymentId: `twice ${turn}` };
        const purchases = await both('/v1/wallets/twice/purchases', `buy ${turn}`, payment);
        for (const [one, other] of [gifts, purchases]) {
          expect([one!.status, one!.body]).toEqual([201, other!.body]);
          expect(new Set([replayed(one!), replayed(other!)])).toEqual(new Set([false, true]));
        }
        const otherBody = { ...gift, quantity: 100 };
        for (const { status, body } of await both(`/v1/rooms/${ROOM}/gifts`, `twice ${turn}`, otherBody)) {
          expect([status, body['code']]).toEqual([422, 'idempotency-key-reused']);
        }
        giftIds.push(gifts[0]!.body['giftId'] as string);
      }
      const lines = Array.from({ length: 20 }, (_, line) => ({
        idempotencyKey: `line ${line}`,
        roomId: ROOM,
        viewerId: 'twice',
        gift: 'rose',
      }));
      const [one, other] = await Promise.all(apis.map((api) => api.lines('/v1/gifts/bulk', lines)));
      for (const [line, answer] of one!.body.entries()) {
        expect(new Set([answer['status'], other!.body[line]!['status']])).toEqual(new Set(['accepted', 'replayed']));
        expect(answer['giftId']).toBe(other!.body[line]!['giftId']);
        giftIds.push(answer['giftId'] as string);
      }
      const events = (await logOf(clusterOf())).filter(({ stream }) => stream === 'wallet-twice');
      expect(idsOf(giftsIn(events)).toSorted()).toEqual(giftIds.toSorted());
      expect(events.filter(({ type }) => type === 'CoinsPurchased')).toHaveLength(11);
    });

    it('has the coins that were bought through the other process at once, and its room', async () => {
      await openWallet(apis[0]!, 'split', 1);
      const rose = { viewerId: 'split', gift: 'rose' };
      expect(await giftAt(apis[0]!, 'all of it', rose)).toMatchObject({ status: 201, body: { balance: 0 } });
      for (let turn = 0; turn < 10; turn++) {
        const [here, there] = [apis[turn % 2]!, apis[(turn + 1) % 2]!];
        // From now on it believes that there is nothing to spend.
        const broke = await giftAt(there, `broke ${turn}`, rose);
        expect([broke.status, broke.body['balance']]).toEqual([402, 0]);
        const payment = { coins: 1, price, provider: 'shop', paymentId: `split ${turn}` };
        const bought = await here.keyed('/v1/wallets/split/purchases', `split ${turn}`, payment);
        const opened = await here.post('/v1/rooms', { roomId: `split-${turn}`, creatorId: 'cleo' });
        const spent = await there.keyed(`/v1/rooms/split-${turn}/gifts`, `spent ${turn}`, rose);
        expect([bought.status, opened.status, spent.status, spent.body['balance']]).toEqual([201, 201, 201, 0]);
      }
    });
  });
}
