import { isRefused, type DomainEvent, type RecordedEvent, type Refused } from '@livegift/kernel';
import type { EventStore } from '@livegift/event-store';
import type { CommandTicket } from './command-ticket.js';
import type { Draft, StreamKind } from './loaded-stream.js';
import type { RememberedCommand } from './remembered-keys.js';

/** What an event takes in an append, roughly; a store that finds it too much says so, and the batch is split. */
const EVENT_BYTES_ESTIMATE = 1_000;

/** How one command of a batch was decided. */
export type Verdict<Event extends DomainEvent, State> =
  | { readonly kind: 'staged'; readonly events: readonly Event[]; readonly from: number; state: State }
  | { readonly kind: 'nothing-to-do'; readonly state: State }
  | { readonly kind: 'replay'; readonly of: RememberedCommand }
  | { readonly kind: 'replay-of-batch'; readonly of: number }
  | { readonly kind: 'refused'; readonly refusal: Refused; readonly final: boolean };

export const KEY_REUSED: Refused = { refused: 'idempotency-key-reused' };

/** Commands that were decided one after the other on one draft, and are appended together. */
export interface DecidedBatch<Command, Event extends DomainEvent, State> {
  readonly draft: Draft<State, Event>;
  /** All that were asked for; the first `verdicts.length` have been decided. */
  readonly tickets: readonly CommandTicket<Command, Event, State>[];
  readonly verdicts: Verdict<Event, State>[];
  /** Something in it would be answered without an append, on what may be old. */
  needsFresh: boolean;
  positions: readonly RecordedEvent['position'][];
}

/** Decides tickets in order until the batch is full; at least one is. */
export function decideBatch<State, Command, Event extends DomainEvent>(
  kind: StreamKind<State, Command, Event>,
  draft: Draft<State, Event>,
  tickets: readonly CommandTicket<Command, Event, State>[],
  batchMax: number,
  bounds: Pick<EventStore, 'appendEventsMax' | 'appendBytesMax'>,
): DecidedBatch<Command, Event, State> {
  const batch: DecidedBatch<Command, Event, State> = { draft, tickets, verdicts: [], needsFresh: false, positions: [] };
  const keysOfBatch = tickets.length > 1 ? new Map<string, number>() : null;
  const eventsMax = Math.min(bounds.appendEventsMax, Math.floor(bounds.appendBytesMax / EVENT_BYTES_ESTIMATE));
  for (const ticket of tickets) {
    if (batch.verdicts.length === batchMax) break;
    const verdict = keyVerdict(batch, ticket, keysOfBatch) ?? decideTicket(kind, draft, ticket);
    if (verdict.kind === 'staged') {
      if (draft.events.length > 0 && draft.events.length + verdict.events.length > eventsMax) break;
      draft.stage(verdict.events, ticket);
      verdict.state = draft.state;
      if (ticket.idempotencyKey !== null) keysOfBatch?.set(ticket.idempotencyKey, batch.verdicts.length);
    } else if (verdict.kind === 'nothing-to-do' || (verdict.kind === 'refused' && !verdict.final)) {
      batch.needsFresh = true;
    }
    batch.verdicts.push(verdict);
  }
  return batch;
}

/** What the ticket's key says, in this batch or in the stream; null: nothing. */
function keyVerdict<State, Command, Event extends DomainEvent>(
  { draft, tickets }: DecidedBatch<Command, Event, State>,
  { idempotencyKey, bodyHash }: CommandTicket<Command, Event, State>,
  keysOfBatch: ReadonlyMap<string, number> | null,
): Verdict<Event, State> | null {
  if (idempotencyKey === null || bodyHash === null) return null;
  const earlier = keysOfBatch?.get(idempotencyKey);
  if (earlier !== undefined) {
    return tickets[earlier]!.bodyHash === bodyHash
      ? { kind: 'replay-of-batch', of: earlier }
      : { kind: 'refused', refusal: KEY_REUSED, final: true };
  }
  const known = draft.loaded.keys.find(idempotencyKey);
  return known === undefined ? null : { kind: 'replay', of: known };
}

function decideTicket<State, Command, Event extends DomainEvent>(
  { decider, confirmed }: StreamKind<State, Command, Event>,
  { state, nextRevision: from }: Draft<State, Event>,
  { command, idempotencyKey }: CommandTicket<Command, Event, State>,
): Verdict<Event, State> {
  const decision = decider.decide(command, state);
  if (isRefused(decision)) return { kind: 'refused', refusal: decision, final: false };
  if (decision.length > 0) return { kind: 'staged', events: decision, from, state };
  if (idempotencyKey === null) return { kind: 'nothing-to-do', state };
  return { kind: 'staged', events: [confirmed(command, state)], from, state };
}

/**
 * Tells the tickets, now that everything that the batch rests on is durable.
 * @param replay answers a command from what it wrote the first time; null comes back when there was none of these
 */
export function answerBatch<State, Command, Event extends DomainEvent>(
  batch: DecidedBatch<Command, Event, State>,
  replay: (ticket: CommandTicket<Command, Event, State>, known: RememberedCommand) => Promise<void>,
): Promise<unknown> | null {
  const { draft, verdicts, tickets, positions } = batch;
  const firstRevision = draft.loaded.revision + 1 - draft.events.length;
  const decidedAt = (verdict: Verdict<Event, State> & { kind: 'staged' }, replayed: boolean) => ({
    events: verdict.events,
    revision: verdict.from,
    position: positions[verdict.from - firstRevision + verdict.events.length - 1]!,
    replayed,
    state: replayed ? null : verdict.state,
  });
  let replays: Promise<void>[] | null = null;
  for (let index = 0; index < verdicts.length; index++) {
    const verdict = verdicts[index]!;
    const ticket = tickets[index]!;
    if (verdict.kind === 'staged') ticket.accepted(decidedAt(verdict, false));
    else if (verdict.kind === 'refused') ticket.refused(verdict.refusal);
    else if (verdict.kind === 'replay') (replays ??= []).push(replay(ticket, verdict.of));
    else if (verdict.kind === 'replay-of-batch') {
      const first = verdicts[verdict.of] as Verdict<Event, State> & { kind: 'staged' };
      ticket.accepted(decidedAt(first, true));
    } else {
      const { revision, position } = draft.loaded;
      ticket.accepted({ events: [], revision, position: position!, replayed: false, state: verdict.state });
    }
  }
  return replays === null ? null : Promise.all(replays);
}
