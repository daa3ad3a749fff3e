import type { RecordedEvent } from '@livegift/kernel';
import type { GiftSent } from '@livegift/domain';
import { batchesOf, PROJECTED_TYPES } from '@livegift/projections';
import type { Board, ReadModel } from '@livegift/read-model';
import type { LogIndex } from './log-index.js';
import { newReadModel } from './node.js';

type Gift = RecordedEvent<'GiftSent', GiftSent['data']>;

const STILL = { clock: { now: () => 0, elapsedMs: () => 0 }, scheduler: { after: () => ({ cancel: () => {} }) } };

/** Every read model equals one that is folded from the log in one piece, and that one equals sums made on paper. */
export async function auditReadModels(
  models: readonly { readonly name: string; readonly readModel: ReadModel }[],
  index: LogIndex,
): Promise<string[]> {
  const head = index.log.at(-1);
  if (head === undefined) return [];
  const fresh = newReadModel(STILL);
  const events = index.log.filter(({ type }) => PROJECTED_TYPES.includes(type));
  const storeId = '00000000-0000-4000-8000-000000000000';
  const span = { storeId, from: [null], to: head.position, nowMs: Number.MAX_SAFE_INTEGER };
  for (const batch of batchesOf(events, span)) await fresh.apply(batch);
  await fresh.markBuilt(0, null);
  const wanted = await linesOf(fresh);
  const findings: string[] = [];
  for (const { name, readModel } of models) {
    const lines = await linesOf(readModel);
    const at = wanted.findIndex((line, place) => line !== lines[place]);
    const differs = at >= 0 || lines.length !== wanted.length;
    if (differs)
      findings.push(`the read model of ${name} has ${lines[Math.max(at, 0)]}, the log says ${wanted[Math.max(at, 0)]}`);
  }
  return [...findings, ...(await auditOnPaper(fresh, index))];
}

async function linesOf(model: ReadModel): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of model.dump()) lines.push(line);
  return lines;
}

/** Sums and ties, once more by the plainest means. */
async function auditOnPaper(model: ReadModel, index: LogIndex): Promise<string[]> {
  const findings: string[] = [];
  const gifts = index.log.filter((event): event is Gift => event.type === 'GiftSent');
  for (const [board, scores] of boardsOf(gifts)) {
    const rows = [...scores].sort(([, a], [, b]) => b.score - a.score || (a.reached < b.reached ? -1 : 1));
    const wanted = rows.map(([id, { score }]) => `${id}=${score}`).join(' ');
    const answer = await model.board({ board, window: 'all', atMs: 0, limit: 100 });
    const found = answer.entries.map(({ id, score }) => `${id}=${score}`).join(' ');
    if (found !== wanted) findings.push(`the board ${JSON.stringify(board)} has ${found}, the log says ${wanted}`);
  }
  for (const [stream, events] of index.streams) {
    if (!stream.startsWith('wallet-')) continue;
    const coins = events.reduce((sum, { type, data }) => {
      const moved = (data as { coins?: number }).coins ?? 0;
      return type === 'CoinsPurchased' ? sum + moved : type === 'GiftSent' ? sum - moved : sum;
    }, 0);
    const row = await model.wallet(stream.slice('wallet-'.length));
    if (row?.row.coins !== coins)
      findings.push(`${stream} has ${row?.row.coins} coins in the read model, ${coins} in the log`);
  }
  return findings;
}

interface Score {
  score: number;
  reached: string;
}

function boardsOf(gifts: readonly Gift[]): Iterable<readonly [Board, Map<string, Score>]> {
  const boards = new Map<string, [Board, Map<string, Score>]>();
  const add = (board: Board, member: string, amount: number, reached: string): void => {
    const name = JSON.stringify(board);
    const entry = boards.get(name) ?? [board, new Map<string, Score>()];
    boards.set(name, entry);
    if (amount === 0) return;
    entry[1].set(member, { score: (entry[1].get(member)?.score ?? 0) + amount, reached });
  };
  for (const { data, position } of gifts) {
    const { viewerId, creatorId, roomId, coins, diamonds } = data;
    add({ kind: 'gifters' }, viewerId, coins, position);
    add({ kind: 'creators' }, creatorId, diamonds, position);
    add({ kind: 'room-gifters', id: roomId }, viewerId, coins, position);
    add({ kind: 'creator-gifters', id: creatorId }, viewerId, coins, position);
  }
  return boards.values();
}
