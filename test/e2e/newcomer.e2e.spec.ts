/** What somebody who has just started the engine does with it, from the first wallet to the closed room. */
import { EventSource } from 'eventsource';
import { ApiClient, eventually, type Answer } from '../support/api-client.js';
import { startEngine, type Engine } from '../support/engine.js';
import { openSse, openWebSocket, type RoomConnection, type RoomFrame } from '../support/room-clients.js';

const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/);
const POSITION = expect.stringMatching(/^\d+$/);
const STREAK_WINDOW_MS = 1_500;
const price = { amountMinor: 499, currency: 'USD' };

// Each waits for what it wants to see; the bound only ends a test that never will.
jest.setTimeout(60_000);

describe('a newcomer', () => {
  let engine: Engine;
  let api: ApiClient;

  beforeAll(async () => {
    engine = await startEngine({ env: { STREAK_WINDOW_MS: String(STREAK_WINDOW_MS) } });
    api = new ApiClient(engine.url);
  }, 60_000);

  afterAll(() => engine.dispose());

  const purchase = (viewerId: string, key: string, coins: number, paymentId = key): Promise<Answer> =>
    api.keyed(`/v1/wallets/${viewerId}/purchases`, key, { coins, price, provider: 'shop', paymentId });
  const gift = (key: string, body: Record<string, unknown>, roomId = 'studio'): Promise<Answer> =>
    api.keyed(`/v1/rooms/${roomId}/gifts`, key, body);

  it('opens a wallet, once', async () => {
    const ann = { viewerId: 'ann', region: 'FR', ageAssured: true };
    const opened = await api.post('/v1/wallets', ann);
    expect(opened).toMatchObject({ status: 201, body: { ...ann, coins: 0, position: POSITION } });
    expect(await api.post('/v1/wallets', ann)).toMatchObject({ status: 200, body: { ...ann, coins: 0 } });
    const other = await api.post('/v1/wallets', { ...ann, region: 'DE' });
    expect(other).toMatchObject({
      status: 409,
      body: { code: 'wallet-exists', type: 'urn:livegift:problem:wallet-exists' },
    });
    expect(await api.put('/v1/wallets/ann', { region: 'DE', ageAssured: true })).toMatchObject({
      status: 200,
      body: { ...ann, region: 'DE' },
    });
    expect(await api.put('/v1/wallets/nobody', { region: 'DE', ageAssured: true })).toMatchObject({
      status: 404,
      body: { code: 'wallet-not-found' },
    });
  });

  it('buys coins, once for each payment and each key', async () => {
    const first = await purchase('ann', 'buy-1', 1_000);
    expect(first).toMatchObject({
      status: 201,
      body: { viewerId: 'ann', coins: 1_000, balance: 1_000, position: POSITION },
    });
    expect(first.headers.get('idempotency-replayed')).toBeNull();
    expect(await purchase('ann', 'buy-2', 500)).toMatchObject({ status: 201, body: { balance: 1_500 } });
    const again = await purchase('ann', 'buy-1', 1_000);
    expect({ status: again.status, body: again.body }).toEqual({ status: 201, body: first.body });
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(await purchase('ann', 'buy-1', 999)).toMatchObject({
      status: 422,
      body: { code: 'idempotency-key-reused' },
    });
    expect(await purchase('ann', 'buy-3', 1_000, 'buy-1')).toMatchObject({
      status: 409,
      body: { code: 'payment-already-used' },
    });
    expect(await purchase('nobody', 'buy-1', 1)).toMatchObject({ status: 404, body: { code: 'wallet-not-found' } });
    await api.post('/v1/wallets', { viewerId: 'kid', region: 'FR', ageAssured: false });
    expect(await purchase('kid', 'buy-1', 1)).toMatchObject({ status: 403, body: { code: 'age-not-assured' } });
    const wallet = await api.get(`/v1/wallets/ann?after=${String(first.body['position'])}`);
    expect(wallet.body).toEqual({
      viewerId: 'ann',
      region: 'DE',
      ageAssured: true,
      coins: 1_500,
      purchasedCoins: 1_500,
      spentCoins: 0,
      position: POSITION,
    });
  });

  it('lets one of two at once act, under one key, and one of two payments', async () => {
    await api.post('/v1/wallets', { viewerId: 'twin', region: 'FR', ageAssured: true });
    const same = await Promise.all([1, 2, 3, 4].map(() => purchase('twin', 'at-once', 10)));
    expect(new Set(same.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    expect(same.filter(({ headers }) => headers.get('idempotency-replayed') === 'true')).toHaveLength(3);
    const payment = await Promise.all([1, 2, 3].map((index) => purchase('twin', `k-${index}`, 10, 'one-payment')));
    expect(payment.map(({ status }) => status).sort((a, b) => a - b)).toEqual([201, 409, 409]);
    const { position } = payment.find(({ status }) => status === 201)!.body;
    expect((await api.get(`/v1/wallets/twin?after=${String(position)}`)).body).toMatchObject({ coins: 20 });
  });

  it('opens a room, once', async () => {
    const studio = { roomId: 'studio', creatorId: 'cleo', title: 'Painting' };
    const opened = await api.post('/v1/rooms', studio);
    expect(opened).toMatchObject({
      status: 201,
      body: { ...studio, state: 'open', openedAt: TIME, position: POSITION },
    });
    expect(await api.post('/v1/rooms', studio)).toMatchObject({ status: 200, body: studio });
    expect(await api.post('/v1/rooms', { ...studio, title: 'Other' })).toMatchObject({
      status: 409,
      body: { code: 'room-exists' },
    });
    const room = await api.get(`/v1/rooms/studio?after=${String(opened.body['position'])}`);
    expect(room.body).toEqual({
      ...studio,
      state: 'open',
      openedAt: TIME,
      closedAt: null,
      giftCount: 0,
      coins: 0,
      diamonds: 0,
      position: POSITION,
    });
  });

  it('finds the gifts that can be sent', async () => {
    const { body } = await api.get<{ items: Record<string, unknown>[] }>('/v1/catalogue/gifts');
    expect(body.items.length).toBeGreaterThan(24);
    const byName = new Map(body.items.map((item) => [item['name'], item]));
    const prices = {
      cheer: 1,
      rose: 1,
      'finger-heart': 5,
      perfume: 20,
      doughnut: 30,
      'paper-crane': 99,
      lion: 29_999,
      universe: 34_999,
    };
    for (const [name, coins] of Object.entries(prices)) expect(byName.get(name)).toMatchObject({ coins });
    expect(
      body.items.every(({ title, tier, icon }) => [title, tier, icon].every((text) => typeof text === 'string')),
    ).toBe(true);
  });

  describe('watching the room over WebSocket, SSE and EventSource', () => {
    let socket: RoomConnection;
    let sse: RoomConnection;
    let source: EventSource;
    const seen: RoomFrame[] = [];
    const gifts = (connection: { readonly frames: readonly RoomFrame[] }): readonly RoomFrame[] =>
      connection.frames.filter(({ type }) => type === 'gift');

    beforeAll(async () => {
      socket = openWebSocket(engine.url, 'studio', null);
      sse = openSse(engine.url, 'studio', null);
      source = new EventSource(`${engine.url}/v1/rooms/studio/events`);
      for (const type of ['welcome', 'gift']) {
        source.addEventListener(type, (event) => seen.push(JSON.parse(event.data as string) as RoomFrame));
      }
      const welcomed = async (): Promise<number> => [socket.frames[0], sse.frames[0], seen[0]].filter(Boolean).length;
      await eventually(welcomed, (count) => count === 3);
    });

    afterAll(() => {
      source.close();
      sse.close();
      socket.close();
    });

    it('is welcomed', () => {
      const welcome = {
        type: 'welcome',
        roomId: 'studio',
        creatorId: 'cleo',
        title: 'Painting',
        frameId: expect.stringMatching(/^.+:.+$/),
        leaderboard: [],
        keepAliveMs: expect.any(Number),
        streakWindowMs: STREAK_WINDOW_MS,
      };
      for (const first of [socket.frames[0], sse.frames[0], seen[0]]) expect(first).toEqual(welcome);
    });

    it('sees a gift as it is sent, in a streak that grows and ends', async () => {
      const sender = { name: 'Ann', avatarUrl: 'https://a.example/ann.png' };
      const first = await gift('rose-1', { viewerId: 'ann', gift: 'rose', quantity: 3, message: 'hello', sender });
      expect(first).toMatchObject({
        status: 201,
        body: {
          roomId: 'studio',
          creatorId: 'cleo',
          viewerId: 'ann',
          gift: 'rose',
          quantity: 3,
          coins: 3,
          diamonds: 150,
          balance: 1_497,
          streak: { id: first.body['giftId'], count: 3 },
        },
      });
      const second = await gift('rose-2', { viewerId: 'ann', gift: 'rose', quantity: 2, sender });
      expect(second.body).toMatchObject({ streak: { id: first.body['giftId'], count: 5 }, balance: 1_495 });
      await eventually(
        async () => gifts(sse).length + gifts(socket).length + gifts({ frames: seen }).length,
        (count) => count === 6,
      );
      expect(gifts(socket)[0]).toEqual({
        type: 'gift',
        frameId: expect.any(String),
        giftId: first.body['giftId'],
        position: first.body['position'],
        roomId: 'studio',
        creatorId: 'cleo',
        viewerId: 'ann',
        sender,
        gift: 'rose',
        giftInfo: { title: expect.any(String), priceCoins: 1, icon: expect.any(String) },
        quantity: 3,
        coins: 3,
        diamonds: 150,
        message: 'hello',
        streak: { id: first.body['giftId'], count: 3 },
        occurredAt: TIME,
      });
      expect(gifts(sse)).toEqual(gifts(socket));
      expect(gifts({ frames: seen })).toEqual(gifts(socket));
      for (const connection of [socket, sse]) {
        const ended = await eventually(
          async () => connection.frames.filter(({ type }) => type === 'streak-ended'),
          (frames) => frames.length > 0,
        );
        expect(ended).toEqual([
          {
            type: 'streak-ended',
            streak: { id: first.body['giftId'], count: 5, coins: 5 },
            viewerId: 'ann',
            gift: 'rose',
          },
        ]);
        const leaders = connection.frames.findLast(({ type }) => type === 'leaderboard');
        expect(leaders).toMatchObject({ entries: [{ rank: 1, id: 'ann', name: 'Ann', score: 5, reachedAt: TIME }] });
      }
    }, 20_000);

    it('is told what it missed while the engine was killed', async () => {
      const last = gifts(sse).at(-1)!.frameId!;
      source.close();
      await gift('missed-1', { viewerId: 'ann', gift: 'rose' });
      await gift('missed-2', { viewerId: 'ann', gift: 'perfume' });
      await engine.kill();
      await engine.up();
      for (const open of [openSse, openWebSocket]) {
        const back = open(engine.url, 'studio', last);
        await eventually(
          async () => gifts(back).length,
          (count) => count === 2,
        );
        expect(back.frames.map(({ type }) => type).slice(0, 4)).toEqual(['welcome', 'recovered', 'gift', 'gift']);
        expect(back.frames[0]!.frameId).toBe(last);
        expect(back.frames[1]).toMatchObject({ complete: true });
        expect(gifts(back).map((frame) => frame['gift'])).toEqual(['rose', 'perfume']);
        back.close();
      }
      const stranger = openSse(engine.url, 'studio', 'another-store:17');
      await eventually(
        async () => stranger.frames.length,
        (count) => count >= 2,
      );
      expect(stranger.frames[1]).toMatchObject({ type: 'recovered', complete: false });
      expect(gifts(stranger)).toEqual([]);
      stranger.close();
    }, 60_000);
  });

  it('finds the gift on every board, now and in its period', async () => {
    const { body } = await gift('boards', { viewerId: 'ann', gift: 'perfume', quantity: 2, sender: { name: 'Ann B' } });
    const after = `after=${String(body['position'])}`;
    const receipt = await api.get(`/v1/gifts/${String(body['giftId'])}`);
    const at = String(receipt.body['occurredAt']);
    for (const board of ['gifters', 'rooms/studio/gifters', 'creators/cleo/gifters']) {
      for (const window of ['hour', 'day', 'week', 'month', 'all']) {
        const answer = await api.board(`${board}?window=${window}&at=${at}&member=ann&${after}`);
        expect(answer.member).toMatchObject({ id: 'ann', rank: 1, name: 'Ann B', reachedAt: TIME });
        expect(answer).toMatchObject({ total: 1, window: { name: window, utcOffset: '+00:00' } });
      }
    }
    const all = await api.board(`gifters?${after}`);
    expect(all.entries).toMatchObject([{ rank: 1, id: 'ann', score: 5 + 1 + 20 + 40 }]);
    expect(all.window).toMatchObject({ startsAt: null, endsAt: null });
    expect((await api.board(`creators?${after}`)).entries).toMatchObject([{ rank: 1, id: 'cleo', score: 3_300 }]);
    expect((await api.board('gifters?window=day&at=2001-01-01T00:00:00Z')).entries).toEqual([]);
    expect(await api.get('/v1/leaderboards/rooms/nowhere/gifters')).toMatchObject({
      status: 404,
      body: { code: 'room-not-found' },
    });
  });

  it('watches a board stream itself', async () => {
    const stop = new AbortController();
    const headers = { accept: 'text/event-stream' };
    const response = await fetch(`${engine.url}/v1/leaderboards/gifters?window=day`, { headers, signal: stop.signal });
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    let text = '';
    const reading = (async () => {
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>)
        text += new TextDecoder().decode(chunk);
    })().catch(() => {});
    const scores = async (): Promise<number[]> => [...text.matchAll(/"score":(\d+)/g)].map((match) => Number(match[1]));
    const [before] = await eventually(scores, (found) => found.length === 1);
    await gift('board-stream', { viewerId: 'ann', gift: 'finger-heart' });
    const [, then] = await eventually(scores, (found) => found.length >= 2);
    expect(then).toBe(before! + 5);
    stop.abort();
    await reading;
  });

  it('reads receipts and lists, page by page', async () => {
    const { body } = await gift('receipt', { viewerId: 'ann', gift: 'doughnut', message: 'for you' });
    const giftId = String(body['giftId']);
    const receipt = await eventually(
      () => api.get(`/v1/gifts/${giftId}?after=${String(body['position'])}`),
      (answer) => answer.body['creditedAt'] !== null,
    );
    expect(receipt.body).toEqual({
      giftId,
      roomId: 'studio',
      creatorId: 'cleo',
      viewerId: 'ann',
      gift: 'doughnut',
      quantity: 1,
      coins: 30,
      diamonds: 1_500,
      creatorShareBps: 5_000,
      platformDiamonds: 1_500,
      occurredAt: TIME,
      recordedAt: TIME,
      imported: false,
      streak: { id: giftId, count: 1 },
      message: 'for you',
      sender: null,
      creditedAt: TIME,
      position: body['position'],
    });
    const sent = await api.list<{ giftId: string }>('/v1/wallets/ann/gifts', 2);
    expect(sent).toHaveLength(7);
    expect(sent[0]!.giftId).toBe(giftId);
    expect(new Set(sent.map((each) => each.giftId)).size).toBe(7);
    expect(await api.list('/v1/creators/cleo/gifts', 3)).toEqual(await api.list('/v1/wallets/ann/gifts', 4));
    expect((await api.list<{ giftId: string }>('/v1/rooms/studio/gifts', 5)).map((each) => each.giftId)).toEqual(
      sent.map((each) => each.giftId),
    );
    expect(await api.list<{ coins: number }>('/v1/wallets/ann/purchases', 1)).toMatchObject([
      { coins: 500 },
      { coins: 1_000 },
    ]);
    expect(await api.list('/v1/rooms?creatorId=cleo&state=open')).toMatchObject([
      { roomId: 'studio', giftCount: 7, coins: 101 },
    ]);
    expect(await api.list('/v1/rooms?creatorId=cleo&state=closed')).toEqual([]);
    expect(await api.get('/v1/gifts/ann.999')).toMatchObject({ status: 404 });
    expect((await api.get('/v1/creators/cleo')).body).toEqual({
      creatorId: 'cleo',
      diamonds: 5_050,
      creditedDiamonds: 5_050,
      giftCount: 7,
      coinsReceived: 101,
      position: POSITION,
    });
  });

  it('is refused in the declared order, the first of two reasons winning', async () => {
    await api.post('/v1/rooms', { roomId: 'over', creatorId: 'cleo' });
    await api.post('/v1/rooms/over/close');
    await api.post('/v1/wallets', { viewerId: 'cleo', region: 'FR', ageAssured: true });
    const refusal = async (roomId: string, body: Record<string, unknown>): Promise<unknown> => {
      const { status, body: problem } = await gift('refused', body, roomId);
      return [status, problem['code']];
    };
    expect(await refusal('nowhere', { viewerId: 'nobody', gift: 'no-such' })).toEqual([404, 'wallet-not-found']);
    expect(await refusal('nowhere', { viewerId: 'kid', gift: 'no-such' })).toEqual([404, 'room-not-found']);
    expect(await refusal('over', { viewerId: 'kid', gift: 'no-such' })).toEqual([409, 'room-closed']);
    expect(await refusal('studio', { viewerId: 'kid', gift: 'no-such', quantity: 999_999 })).toEqual([
      422,
      'gift-unknown',
    ]);
    expect(await refusal('studio', { viewerId: 'kid', gift: 'universe', quantity: 999_999 })).toEqual([
      422,
      'amount-limit',
    ]);
    expect(await refusal('studio', { viewerId: 'kid', gift: 'universe' })).toEqual([403, 'age-not-assured']);
    expect(await refusal('studio', { viewerId: 'cleo', gift: 'universe' })).toEqual([422, 'cannot-gift-self']);
    expect(await gift('refused', { viewerId: 'ann', gift: 'universe' })).toMatchObject({
      status: 402,
      body: {
        code: 'balance-too-low',
        balance: 1_399,
        required: 34_999,
        type: 'urn:livegift:problem:balance-too-low',
        status: 402,
      },
    });
    const accepted = await gift('refused', { viewerId: 'ann', gift: 'rose' });
    expect(accepted.status).toBe(201);
    expect(accepted.headers.get('idempotency-replayed')).toBeNull();
  });

  it('never spends the last coins twice', async () => {
    await api.post('/v1/wallets', { viewerId: 'racer', region: 'FR', ageAssured: true });
    await purchase('racer', 'fuel', 20);
    const race = await Promise.all(
      [1, 2, 3, 4, 5].map((index) => gift(`race-${index}`, { viewerId: 'racer', gift: 'perfume' })),
    );
    expect(race.map(({ status }) => status).sort((a, b) => a - b)).toEqual([201, 402, 402, 402, 402]);
    const { position } = race.find(({ status }) => status === 201)!.body;
    expect((await api.get(`/v1/wallets/racer?after=${String(position)}`)).body).toMatchObject({ coins: 0 });
  });

  it('gets the same answer to the same key after a restart, single or in bulk', async () => {
    const before = await gift('kept', { viewerId: 'ann', gift: 'rose', quantity: 1 });
    await engine.restart();
    const after = await gift('kept', { viewerId: 'ann', gift: 'rose' });
    expect({ status: after.status, body: after.body }).toEqual({ status: before.status, body: before.body });
    expect(after.headers.get('idempotency-replayed')).toBe('true');
    const line = { idempotencyKey: 'kept', roomId: 'studio', viewerId: 'ann', gift: 'rose' };
    const bulk = await api.lines('/v1/gifts/bulk', [line, { ...line, gift: 'perfume' }]);
    expect(bulk.body).toMatchObject([
      { line: 1, status: 'replayed', giftId: before.body['giftId'] },
      { line: 2, status: 'refused', code: 'idempotency-key-reused' },
    ]);
  }, 60_000);

  it('closes the room, and everybody is told', async () => {
    const socket = openWebSocket(engine.url, 'studio', null);
    const sse = openSse(engine.url, 'studio', null);
    await eventually(
      async () => socket.frames.length * sse.frames.length,
      (count) => count > 0,
    );
    const closed = await api.post('/v1/rooms/studio/close');
    expect(closed).toMatchObject({ status: 200, body: { roomId: 'studio', state: 'closed', position: POSITION } });
    expect(await api.post('/v1/rooms/studio/close')).toMatchObject({ status: 200, body: { state: 'closed' } });
    expect(await api.post('/v1/rooms/nowhere/close')).toMatchObject({ status: 404, body: { code: 'room-not-found' } });
    expect(await socket.over).toBe(4510);
    await sse.over;
    for (const connection of [socket, sse]) expect(connection.frames.at(-1)).toEqual({ type: 'room-closed' });
    expect(await openWebSocket(engine.url, 'studio', null).over).toBe(4510);
    expect(await openWebSocket(engine.url, 'nowhere', null).over).toBe(4504);
    expect(await openSse(engine.url, 'studio', null).over).toBe(204);
    expect(await openSse(engine.url, 'nowhere', null).over).toBe(404);
    const room = await api.get(`/v1/rooms/studio?after=${String(closed.body['position'])}`);
    expect(room.body).toMatchObject({ state: 'closed', closedAt: TIME });
    expect(await api.post('/v1/rooms', { roomId: 'studio', creatorId: 'cleo', title: 'Painting' })).toMatchObject({
      status: 409,
    });
  }, 20_000);

  it('reads the log itself, from anywhere in it', async () => {
    const events = await api.events();
    expect(events[0]).toEqual({
      position: POSITION,
      stream: expect.any(String),
      revision: 0,
      id: expect.any(String),
      type: expect.any(String),
      schemaVersion: 1,
      occurredAt: TIME,
      recordedAt: TIME,
      correlationId: expect.any(String),
      causationId: expect.any(String),
      data: expect.any(Object),
    });
    const third = events[2]!.position;
    expect(await api.events({ after: third })).toEqual(events.slice(3));
    const opened = await api.events({ types: 'RoomOpened,RoomClosed' });
    expect(opened.map(({ type }) => type)).toEqual(['RoomOpened', 'RoomOpened', 'RoomClosed', 'RoomClosed']);
  });

  it('finds its health, its figures and its description', async () => {
    expect((await api.get('/health/live')).status).toBe(200);
    expect((await api.get('/health/ready')).status).toBe(200);
    expect(await (await fetch(`${engine.url}/metrics`)).text()).toMatch(/^livegift_/m);
    const { body } = await api.get<{ paths: Record<string, unknown> }>('/v1/openapi.json');
    expect(Object.keys(body.paths)).toContain('/v1/rooms/{roomId}/gifts');
    expect((await fetch(`${engine.url}/docs`)).status).toBe(200);
  });

  it('ends in order when it is asked to', async () => {
    expect(await engine.stop()).toBe(0);
  }, 30_000);
});
