import type { RowTable } from '@livegift/read-model';
import type { BatchSums } from './batch-sums.js';
import { Commands } from './commands.js';
import type { PartitionKeys } from './keys.js';
import type { KeptState } from './kept-state.js';
import { parsePlace } from './place.js';
import { parseListed, parseRow } from './row.js';

/** What a batch touches and is not kept. */
export interface MissingState {
  readonly commands: Commands;
  /** In the order of the answers: takes the values of these ids, null where there is none. */
  readonly takers: ((values: readonly (string | null)[]) => void)[];
  entries: number;
}

export function missingReads(kept: KeptState, sums: BatchSums, keys: PartitionKeys): MissingState {
  const missing: MissingState = { commands: new Commands(), takers: [], entries: 0 };
  for (const table of Object.keys(sums.rows) as RowTable[]) {
    const rows = kept.rows[table];
    ask(missing, keys.tables[table], sums.rows[table].keys(), rows, parseRow);
  }
  const listings = new Set(sums.listings.map(({ roomId }) => roomId));
  ask(missing, keys.listed, listings, kept.listed, parseListed);
  for (const { name, members } of sums.boards) {
    let places = kept.places.get(name);
    if (places === undefined) kept.places.set(name, (places = new Map()));
    ask(missing, keys.places(name), members.keys(), places, parsePlace);
  }
  return missing;
}

export function keepAnswers(kept: KeptState, { takers, entries }: MissingState, answers: readonly unknown[]): void {
  kept.grow(entries);
  for (const [index, take] of takers.entries()) take(answers[index] as readonly (string | null)[]);
}

const IDS_MAX = 1_000;

function ask<Value>(
  missing: MissingState,
  key: string,
  ids: Iterable<string>,
  known: Map<string, Value | null>,
  parse: (text: string) => Value,
): void {
  const wanted: string[] = [];
  for (const id of ids) if (known.get(id) === undefined) wanted.push(id);
  missing.entries += wanted.length;
  for (let start = 0; start < wanted.length; start += IDS_MAX) {
    const part = wanted.slice(start, start + IDS_MAX);
    missing.commands.add('HMGET', key, part);
    missing.takers.push((values) => {
      for (const [index, id] of part.entries()) {
        const text = values[index] ?? null;
        known.set(id, text === null ? null : parse(text));
      }
    });
  }
}
