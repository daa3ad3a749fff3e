import { boardKey, scoresOf } from '../boards.js';
import type { BoardAnswer, BoardEntry, BoardQuery } from '../read-model.js';
import { parseUtcOffset, periodOf } from '../windows.js';
import type { GiftScoredWrite } from '../writes.js';

/** What a board must answer, by adding up every gift and sorting: the plainest reading of the rules. */
export function naiveBoard(
  gifts: readonly GiftScoredWrite[],
  query: BoardQuery,
  utcOffset: string,
): Omit<BoardAnswer, 'position'> {
  const period = periodOf(query.window, query.atMs, parseUtcOffset(utcOffset));
  const all = naiveEntries(gifts, query, period.startsAtMs ?? -Infinity, period.endsAtMs ?? Infinity);
  const entry = (id: string): BoardEntry | null => all.find((other) => other.id === id) ?? null;
  return {
    ...period,
    entries: naivePage(all, query, entry),
    member: query.member === undefined ? null : entry(query.member),
    total: all.length,
  };
}

function naiveEntries(
  gifts: readonly GiftScoredWrite[],
  query: BoardQuery,
  startsAtMs: number,
  endsAtMs: number,
): BoardEntry[] {
  const names = new Map<string, string>();
  const members = new Map<string, { id: string; score: number; reached: number; reachedAtMs: number }>();
  for (const [order, gift] of gifts.entries()) {
    if (gift.name !== null) names.set(gift.viewerId, gift.name);
    if (gift.occurredAtMs < startsAtMs || gift.occurredAtMs >= endsAtMs) continue;
    for (const { board, member, amount } of scoresOf(gift)) {
      if (amount === 0 || boardKey(board) !== boardKey(query.board)) continue;
      const score = (members.get(member)?.score ?? 0) + amount;
      members.set(member, { id: member, score, reached: order, reachedAtMs: gift.occurredAtMs });
    }
  }
  return [...members.values()]
    .sort((a, b) => b.score - a.score || a.reached - b.reached)
    .map(({ id, score, reachedAtMs }, index) => {
      const name = query.board.kind === 'creators' ? null : (names.get(id) ?? null);
      return { rank: index + 1, id, name, score, reachedAtMs };
    });
}

function naivePage(
  all: readonly BoardEntry[],
  { around, from, limit }: BoardQuery,
  entry: (id: string) => BoardEntry | null,
): readonly BoardEntry[] {
  if (around === undefined) return all.slice((from ?? 1) - 1, (from ?? 1) - 1 + limit);
  const middle = entry(around);
  if (middle === null) return [];
  const first = Math.max(0, Math.min(all.length - limit, middle.rank - 1 - Math.floor(limit / 2)));
  return all.slice(first, first + limit);
}
