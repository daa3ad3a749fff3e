import { WINDOWS, type RowTable } from '@livegift/read-model';
import type { BatchSums } from './batch-sums.js';
import { Commands } from './commands.js';
import { ALL, boardName, type PartitionKeys } from './keys.js';
import { KeptMember, type KeptState } from './kept-state.js';
import { parsePlace } from './place.js';
import { parseListed, parseRow } from './row.js';

const IDS_MAX = 1_000;

/** What a batch touches and is not kept, to be read. */
export class MissingState {
  readonly commands = new Commands();
  /** In the order of the answers: takes the values of some ids, null where there is none. */
  readonly #takers: ((values: readonly (string | null)[]) => void)[] = [];
  #entries = 0;

  constructor(private readonly kept: KeptState) {}

  keep(answers: readonly unknown[]): void {
    for (const [index, take] of this.#takers.entries()) take(answers[index] as readonly (string | null)[]);
    this.kept.grow(this.#entries);
  }

  /** Each with a place in every window. */
  members(count: number): void {
    this.#entries += count * WINDOWS.length;
  }

  ask(key: string, ids: readonly string[], take: (id: string, text: string | null) => void): void {
    for (let start = 0; start < ids.length; start += IDS_MAX) {
      const part = ids.slice(start, start + IDS_MAX);
      this.commands.add('HMGET', key, part);
      this.#takers.push((values) => part.forEach((id, index) => take(id, values[index] ?? null)));
    }
  }

  askInto<Value>(
    known: Map<string, Value | null>,
    key: string,
    ids: Iterable<string>,
    parse: (text: string) => Value,
  ): void {
    const wanted = [...ids].filter((id) => !known.has(id));
    this.#entries += wanted.length;
    this.ask(key, wanted, (id, text) => known.set(id, text === null ? null : parse(text)));
  }
}

/** Rows, and of each member of a board its place in the window of all time: who has none there has none anywhere. */
export function missingRowsAndMembers(kept: KeptState, sums: BatchSums, keys: PartitionKeys): MissingState {
  const missing = new MissingState(kept);
  for (const table of Object.keys(sums.rows) as RowTable[]) {
    missing.askInto(kept.rows[table], keys.tables[table], sums.rows[table].keys(), parseRow);
  }
  missing.askInto(kept.listed, keys.listed, new Set(sums.listings.map(({ roomId }) => roomId)), parseListed);
  const asked = new Map<string, Set<string>>();
  for (const { key, members } of sums.boards) {
    let ids = asked.get(key);
    if (ids === undefined) asked.set(key, (ids = new Set()));
    const known = kept.boards.get(key);
    for (const id of members.keys()) {
      const member = known?.get(id);
      if (member === undefined) ids.add(id);
      else member.trim();
    }
  }
  for (const [key, ids] of asked) {
    let known = kept.boards.get(key);
    if (known === undefined) kept.boards.set(key, (known = new Map()));
    missing.members(ids.size);
    missing.ask(keys.places(boardName(key, ALL)), [...ids], (id, text) => {
      const member = new KeptMember(text === null);
      if (text !== null) member.put(ALL, parsePlace(text));
      known.set(id, member);
    });
  }
  return missing;
}

/** The places in the other windows of those who are on the board already. */
export function missingPlaces(kept: KeptState, sums: BatchSums, keys: PartitionKeys): MissingState {
  const missing = new MissingState(kept);
  for (const { key, periods, members } of sums.boards) {
    const known = kept.boards.get(key)!;
    for (const { text: period } of periods) {
      const ids: string[] = [];
      for (const id of members.keys()) if (known.get(id)!.place(period) === undefined) ids.push(id);
      missing.ask(keys.places(boardName(key, period)), ids, (id, text) =>
        known.get(id)!.put(period, text === null ? null : parsePlace(text)),
      );
    }
  }
  return missing;
}
