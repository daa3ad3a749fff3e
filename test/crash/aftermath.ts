import { eventually, type Answer, type ApiClient, type Board, type LogEvent } from '../support/api-client.js';
import { livegift } from '../support/livegift-cli.js';
import { LogFold, WINDOWS, type WindowName } from '../support/log-fold.js';
import type { ResumingListener } from '../support/room-clients.js';
import { differences, type PlatformDriver } from './platform-driver.js';

const SETTLED_MS_MAX = 60_000;
/** The read model is on its way there. */
const NOT_YET: readonly number[] = [503, 504];
const ASKED_AGAIN_AT_MOST = 500;

/**
 * Every promise that must hold after the crashes; each breach in a sentence.
 * @param audited what `livegift audit` is told of where the log is
 */
export async function breachesAfter(
  api: ApiClient,
  audited: readonly string[],
  driver: PlatformDriver,
  listeners: readonly (readonly [room: string, listener: ResumingListener])[],
): Promise<readonly string[]> {
  const breaches = [...driver.complaints];
  breaches.push(...(await unsettled(api)));
  const events = await api.events();
  breaches.push(...acknowledgedOnce(driver, events));
  for (const [room, listener] of listeners) breaches.push(...gaps(room, listener, events));
  breaches.push(...(await readModelDifferences(api, events)));
  breaches.push(...(await answersChanged(api, driver)));
  breaches.push(...(await auditFindings(audited)));
  return breaches;
}

/** Waits until the listener has the room's last gift; what is still missing then is a breach. */
export async function caughtUp(api: ApiClient, room: string, listener: ResumingListener): Promise<void> {
  const gifts = await api.events({ types: 'GiftSent' });
  const last = gifts.findLast(({ data }) => data['roomId'] === room)?.data['giftId'];
  for (const end = Date.now() + SETTLED_MS_MAX; Date.now() < end && listener.giftIds.at(-1) !== last;) {
    await new Promise((done) => setTimeout(done, 20));
  }
}

async function unsettled(api: ApiClient): Promise<string[]> {
  for (const end = Date.now() + SETTLED_MS_MAX; ;) {
    const fold = new LogFold(await api.events());
    const open = fold.gifts.filter(({ giftId }) => !fold.credits.has(giftId)).length;
    if (open === 0) return [];
    if (Date.now() > end) return [`${open} gifts were not credited within ${SETTLED_MS_MAX} ms`];
    await new Promise((done) => setTimeout(done, 100));
  }
}

/** All commands were repeated until their answer was definite, so the log holds the accepted ones and nothing else. */
export function acknowledgedOnce(
  driver: Pick<PlatformDriver, 'acknowledged' | 'lines' | 'imported'>,
  events: readonly LogEvent[],
): string[] {
  const breaches: string[] = [];
  const inLog = new Map<string, LogEvent[]>();
  for (const event of events) {
    const id = idOf(event);
    if (id !== null) inLog.set(id, [...(inLog.get(id) ?? []), event]);
  }
  const expected = new Map<string, Readonly<Record<string, unknown>>>();
  const expect = (id: string, fields: Readonly<Record<string, unknown>>): void => {
    if (expected.has(id)) breaches.push(`${id} was answered to two commands`);
    expected.set(id, fields);
  };
  for (const { path, answer } of driver.acknowledged) {
    const { giftId, roomId, viewerId, gift, quantity, coins, diamonds, balance, purchaseId } = answer;
    if (path.endsWith('/gifts')) expect(String(giftId), { roomId, viewerId, gift, quantity, coins, diamonds, balance });
    if (path.endsWith('/purchases')) expect(String(purchaseId), { viewerId, coins, balance });
  }
  for (const { line, giftId } of driver.lines) {
    const { roomId, viewerId, gift, quantity } = line;
    expect(giftId, { roomId, viewerId, gift, quantity });
  }
  for (const { importId, ...line } of driver.imported) {
    expect(`gift of ${String(importId)}`, { roomId: line['roomId'], viewerId: line['viewerId'], coins: line['coins'] });
    expect(`coins of ${String(importId)}`, { viewerId: line['viewerId'], coins: line['coins'] });
  }
  for (const [id, fields] of expected) {
    const found = inLog.get(id) ?? [];
    if (found.length !== 1) breaches.push(`${id} was acknowledged and stands in the log ${found.length} times`);
    for (const [field, value] of Object.entries(fields)) {
      const recorded = found[0]?.data[field];
      if (found.length === 1 && recorded !== value)
        breaches.push(`${id}: ${field} was ${String(value)}, the log has ${String(recorded)}`);
    }
  }
  for (const id of inLog.keys())
    if (!expected.has(id)) breaches.push(`${id} stands in the log, but no command asked for it`);
  return breaches;
}

/** What a command made, by a name that its answer or its body tells; null for what no test command makes. */
function idOf({ type, data }: LogEvent): string | null {
  if (type === 'GiftSent')
    return data['imported'] === true ? `gift of ${String(data['importId'])}` : String(data['giftId']);
  if (type !== 'CoinsPurchased') return null;
  return data['provider'] === 'import' ? `coins of ${String(data['paymentId'])}` : String(data['purchaseId']);
}

/** The room's live gifts, each once and in order, but for what the listener was told it cannot have. */
export function gaps(
  room: string,
  listener: Pick<ResumingListener, 'giftIds' | 'gapsTold' | 'complaints'>,
  events: readonly LogEvent[],
): string[] {
  const breaches = listener.complaints.map((complaint) => `${room}: ${complaint}`);
  const sent = events
    .filter(({ type, data }) => type === 'GiftSent' && data['roomId'] === room)
    .map(({ data }) => data['giftId']);
  let at = 0;
  for (const [index, giftId] of listener.giftIds.entries()) {
    const found = sent.indexOf(giftId, at);
    if (found === -1) {
      breaches.push(`${room}: the feed has ${giftId} where the log has it earlier, or not at all`);
      continue;
    }
    if (found !== at && !listener.gapsTold.includes(index)) {
      breaches.push(`${room}: the feed misses ${found - at} gifts before ${giftId}`);
    }
    at = found + 1;
  }
  if (at !== sent.length && !listener.gapsTold.includes(listener.giftIds.length)) {
    breaches.push(`${room}: the feed misses the last ${sent.length - at} gifts`);
  }
  return breaches;
}

async function readModelDifferences(api: ApiClient, events: readonly LogEvent[]): Promise<string[]> {
  const fold = new LogFold(events);
  const after = `after=${events.at(-1)!.position}`;
  const breaches: string[] = [];
  const ask = <Body>(path: string): Promise<Answer<Body>> =>
    eventually(
      () => api.get<Body>(path),
      ({ status }) => !NOT_YET.includes(status),
      SETTLED_MS_MAX,
    );
  const compare = (what: string, answered: unknown, folded: unknown): void => {
    const [a, b] = [JSON.stringify(answered), JSON.stringify(folded)];
    if (a !== b) breaches.push(`${what} is ${a}; the log folds to ${b}`);
  };
  for (const [viewerId, { coins, purchasedCoins, spentCoins }] of fold.wallets) {
    const { body } = await ask<Record<string, unknown>>(`/v1/wallets/${viewerId}?${after}`);
    const answered = { coins: body['coins'], purchasedCoins: body['purchasedCoins'], spentCoins: body['spentCoins'] };
    compare(`wallet ${viewerId}`, answered, { coins, purchasedCoins, spentCoins });
  }
  for (const [creatorId, folded] of fold.creators) {
    const { body } = await ask<Record<string, unknown>>(`/v1/creators/${creatorId}?${after}`);
    const { diamonds, creditedDiamonds, giftCount, coinsReceived } = body;
    compare(`creator ${creatorId}`, { diamonds, creditedDiamonds, giftCount, coinsReceived }, folded);
  }
  const compareBoard = async (board: string, window: WindowName, at: string): Promise<void> => {
    const { body } = await ask<Board>(`/v1/leaderboards/${board}?window=${window}&at=${at}&limit=100&${after}`);
    const answered = body.entries?.map(({ rank, id, score, reachedAt }) => ({
      rank,
      id,
      score,
      reachedAt: ms(reachedAt),
    }));
    const folded = fold.board(board, window, at);
    const expected = folded.entries.map((entry) => ({ ...entry, reachedAt: ms(entry.reachedAt) }));
    compare(
      `board ${board} ${window} ${at}`,
      { entries: answered, total: body.total },
      { entries: expected, total: folded.total },
    );
  };
  const boards = [
    'gifters',
    'creators',
    ...[...fold.rooms.keys()].map((room) => `rooms/${room}/gifters`),
    ...[...fold.creators.keys()].map((creator) => `creators/${creator}/gifters`),
  ];
  const live = fold.gifts.find(({ imported }) => !imported)?.occurredAt;
  const past = fold.gifts.find(({ imported }) => imported)?.occurredAt;
  const moments = [live, past].filter((at) => at !== undefined);
  for (const board of boards) {
    for (const window of WINDOWS) for (const at of moments) await compareBoard(board, window, at);
  }
  return breaches;
}

const ms = (time: string): number => Date.parse(time);

async function answersChanged(api: ApiClient, driver: PlatformDriver): Promise<string[]> {
  const breaches: string[] = [];
  const step = Math.max(1, Math.floor(driver.acknowledged.length / ASKED_AGAIN_AT_MOST));
  for (let index = 0; index < driver.acknowledged.length; index += step) {
    const before = driver.acknowledged[index]!;
    breaches.push(...differences(before, await api.keyed(before.path, before.key, before.body)));
  }
  const lines = driver.lines.slice(-ASKED_AGAIN_AT_MOST);
  const again = await api.lines<Record<string, unknown>>(
    '/v1/gifts/bulk',
    lines.map(({ line }) => line),
  );
  for (const [index, { giftId, line }] of lines.entries()) {
    const { status, giftId: told } = again.body[index] ?? {};
    if (status === 'replayed' && told === giftId) continue;
    breaches.push(
      `line ${String(line['idempotencyKey'])} made ${giftId}, and ${String(status)} ${String(told)} when sent again`,
    );
  }
  return breaches;
}

async function auditFindings(audited: readonly string[]): Promise<string[]> {
  const { exitCode, stdout, stderr } = await livegift('audit', ...audited);
  return exitCode === 0 ? [] : [`the audit ended with ${exitCode}: ${stdout.slice(0, 2_000)}${stderr.slice(0, 1_000)}`];
}
