import type { RecordedEvent } from '@livegift/kernel';

/** The rules that an audit checks; numbers are those of the money rules in the README. */
export const RULES = {
  'whole-amounts':
    '1: coins and diamonds are integers within their bounds, money is integer minor units and a currency',
  share: "2: diamonds are the creator's share of the coins, rounded down, and coins are price x quantity",
  'no-negative-balance':
    '3: a wallet never goes below zero, and each event states the balance that its stream adds up to',
  'credited-once': '4: every gift is credited exactly once, with its own coins and diamonds, to its own creator',
  'settlement-order': '4: gifts of one creator are credited in order of position, none skipped, and say how far',
  conservation: '5: coins bought = coins held + coins spent; coins x 100 = diamonds + the part of the platform',
  'payment-claims': '5: every claimed payment made coins exactly once, and no coins came without a claim',
  'history-claims': '5: every claimed line of history was bought and sent exactly once, and none without a claim',
  'idempotency-keys': '6: an idempotency key was accepted once in its stream, with one body',
  revisions: 'the log: revisions of a stream count 0, 1, 2, …; ids and links point where they should',
  positions: 'the log: positions rise and have one width',
  rooms: 'the log: gifts go to rooms that were opened, by the creator who opened them',
  storage: 'the store: bytes on disk are what was written',
} as const;

export type Rule = keyof typeof RULES;

export interface Finding {
  readonly rule: Rule;
  readonly stream: string | null;
  readonly revision: number | null;
  readonly position: string | null;
  readonly detail: string;
}

/** Takes each finding as it is found; nothing collects them, so that a broken log cannot exhaust the memory. */
export type Report = (finding: Finding) => void;

/** A finding at one event. */
export function findingAt(event: RecordedEvent, rule: Rule, detail: string): Finding {
  return { rule, stream: event.stream, revision: event.revision, position: event.position, detail };
}
