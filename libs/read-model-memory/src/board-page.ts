import type { BoardEntry, BoardQuery } from '@livegift/read-model';
import type { FoldState } from './fold-state.js';
import type { Standing } from './standing.js';

/** What a query wants to see of a standing. */
export function boardPage(
  state: FoldState,
  standing: Standing,
  query: BoardQuery,
): { readonly entries: readonly BoardEntry[]; readonly member: BoardEntry | null; readonly total: number } {
  const total = standing.ranking.size;
  const rankOf = (id: string): number | null => {
    const member = memberOf(state, standing, id);
    const slot = member === undefined ? -1 : standing.table.find(member);
    return slot < 0 ? null : standing.ranking.rank(slot);
  };
  const own = query.member === undefined ? null : rankOf(query.member);
  return {
    entries: pageEntries(state, standing, query, rankOf),
    member: own === null ? null : entriesFrom(state, standing, own, 1)[0]!,
    total,
  };
}

function pageEntries(
  state: FoldState,
  standing: Standing,
  { from, around, limit }: BoardQuery,
  rankOf: (id: string) => number | null,
): readonly BoardEntry[] {
  if (around === undefined) return entriesFrom(state, standing, from ?? 1, limit);
  const middle = rankOf(around);
  if (middle === null) return [];
  const last = Math.max(1, standing.ranking.size - limit + 1);
  return entriesFrom(state, standing, Math.min(last, Math.max(1, middle - Math.floor(limit / 2))), limit);
}

export function entriesFrom(state: FoldState, { table, ranking, measure }: Standing, rank: number, limit: number) {
  return ranking.slice(rank, limit).map((slot, index): BoardEntry => {
    const member = table.member(slot);
    const ofCreators = measure === 'creators';
    return {
      rank: rank + index,
      id: ofCreators ? state.creators[member]!.id : state.viewers.id(member),
      name: ofCreators ? null : (state.names[member] ?? null),
      score: table.score(slot),
      reachedAtMs: table.reachedAtMs(slot),
    };
  });
}

function memberOf(state: FoldState, { measure }: Standing, id: string): number | undefined {
  return measure === 'creators' ? state.findCreator(id)?.index : state.viewers.find(id);
}
