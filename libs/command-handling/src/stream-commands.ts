import {
  type Clock,
  type DomainEvent,
  type Ids,
  type RecordedEvent,
  type Refused,
  type Telemetry,
} from '@livegift/kernel';
import { EventStoreError, type EventStore } from '@livegift/event-store';
import { PromisedTicket, type CommandTicket, type Decided } from './command-ticket.js';
import { Lanes } from './lanes.js';
import { answerBatch, decideBatch, KEY_REUSED, type DecidedBatch } from './decided-batch.js';
import { Draft, stampsOf, type Cause, type LoadedStream, type Stamps, type StreamKind } from './loaded-stream.js';
import { CommandError, type Accepted, type CommandOutcome } from './outcome.js';
import type { RememberedCommand } from './remembered-keys.js';
import { commandErrorOf, isConflict, isTooLarge, isUnknown } from './store-failures.js';
import { StreamShelf, type StreamShelfOptions } from './stream-shelf.js';

export interface StreamCommandsOptions extends StreamShelfOptions {
  readonly conflictRetriesMax: number;
  /** Commands decided and appended together. */
  readonly batchMax: number;
  readonly queueLengthMax: number;
  readonly queuedTotalMax: number;
}

export const streamCommandsDefaults: StreamCommandsOptions = {
  conflictRetriesMax: 10,
  batchMax: 1_000,
  queueLengthMax: 20_000,
  queuedTotalMax: 100_000,
  streamsCachedMax: 20_000,
  keysCachedMax: 8_000_000,
  snapshotEveryEvents: 100,
  snapshotsUnderWayMax: 64,
  pageEvents: 1_000,
};

export interface StreamCommandsParts<State, Command, Event extends DomainEvent, Refusal extends string> {
  readonly store: EventStore;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly telemetry: Telemetry;
  readonly kind: StreamKind<State, Command, Event, Refusal>;
  readonly options?: Partial<StreamCommandsOptions>;
}

/**
 * Commands of one kind of stream: load, decide, append with the expected revision, retry within bounds.
 *
 * - Commands that wait for one stream are decided in order, each on the state that the one before left, and appended
 *   together; none is answered before that append is durable. After a conflict or an unknown outcome all are decided anew.
 * - A command whose key the stream remembers is answered from what it wrote the first time.
 * - What would be answered without an append (a refusal, nothing to do) is first held against the stream's fresh tail.
 * - A command with a key that had nothing to do leaves an event all the same, since its key was accepted.
 */
export class StreamCommands<State, Command, Event extends DomainEvent, Refusal extends string = string> {
  readonly shelf: StreamShelf<State, Event>;
  readonly #lanes: Lanes<CommandTicket<Command, Event, State>>;
  readonly #options: StreamCommandsOptions;
  readonly #store: EventStore;
  readonly #telemetry: Telemetry;
  readonly #kind: StreamKind<State, Command, Event, Refusal>;
  readonly #stamps: Stamps;
  #stopping = false;

  constructor(parts: StreamCommandsParts<State, Command, Event, Refusal>) {
    const { store, clock, ids, telemetry, kind } = parts;
    this.#options = { ...streamCommandsDefaults, ...parts.options };
    this.#store = store;
    this.#telemetry = telemetry;
    this.#kind = kind;
    this.#stamps = stampsOf(clock, ids);
    this.shelf = new StreamShelf<State, Event>(store, kind, this.#options, telemetry);
    this.#lanes = new Lanes({
      ...this.#options,
      telemetry,
      run: (stream, tickets) => this.runHeld(stream, tickets),
    });
  }

  /** @throws CommandError (as rejection) `overloaded`, `unavailable`, `contention` */
  execute<Answer>(
    stream: string,
    command: Command,
    cause: Cause,
    toAccepted: (decided: Decided<Event, State>) => Accepted<Answer>,
  ): Promise<CommandOutcome<Answer>> {
    const ticket = new PromisedTicket<Command, Event, State, Answer>(command, cause, toAccepted);
    this.submit(stream, ticket);
    return ticket.outcome;
  }

  /** Puts a command into its stream's lane; the ticket hears of it, never a throw. */
  submit(stream: string, ticket: CommandTicket<Command, Event, State>): void {
    if (this.#stopping) {
      ticket.failed(new CommandError('unavailable', 'no new commands: this process is stopping'));
      return;
    }
    try {
      this.#lanes.push(stream, ticket);
    } catch (failure) {
      ticket.failed(commandErrorOf(failure));
    }
  }

  /** Alone on all these streams, in this process. @throws CommandError `overloaded`, `unavailable`; what `work` throws */
  async exclusive<T>(streams: readonly string[], work: () => Promise<T>): Promise<T> {
    if (this.#stopping) throw new CommandError('unavailable', 'no new commands: this process is stopping');
    return this.#lanes.exclusive(streams, work);
  }

  /** From the cache or the store. Only for who holds the stream's lane. @throws EventStoreError */
  async loadHeld(stream: string): Promise<LoadedStream<State>> {
    return this.shelf.cached(stream) ?? (await this.shelf.load(stream));
  }

  draft(loaded: LoadedStream<State>): Draft<State, Event> {
    return new Draft<State, Event>(loaded, this.#kind, this.#stamps);
  }

  decide(command: Command, state: State): readonly Event[] | Refused<Refusal> {
    return this.#kind.decider.decide(command, state);
  }

  /** What the stream remembers under this key; null: nothing. */
  recall(loaded: LoadedStream<State>, cause: Cause): RememberedCommand | null {
    return cause.idempotencyKey === null ? null : (loaded.keys.find(cause.idempotencyKey) ?? null);
  }

  /** What the command of this key did the first time; refused when it had another body. @throws EventStoreError */
  async replay(stream: string, known: RememberedCommand, cause: Cause): Promise<Decided<Event, State> | Refused> {
    const events = await this.#store.readStream(stream, { from: known.revision, limit: known.eventCount });
    const last = events.at(-1);
    if (last === undefined) throw new CommandError('unavailable', `${stream} has lost revision ${known.revision}`);
    const { idempotencyKey, bodyHash } = events[0]!.metadata;
    if (idempotencyKey !== cause.idempotencyKey || bodyHash !== cause.bodyHash) return KEY_REUSED;
    return {
      events: events as unknown as readonly (RecordedEvent & Event)[],
      revision: known.revision,
      position: last.position,
      replayed: true,
      state: null,
    };
  }

  /** Refuses new commands and waits for those under way. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#lanes.drained();
  }

  /** Runs commands for who holds the stream's lane. Never rejects: every ticket hears. */
  async runHeld(stream: string, tickets: readonly CommandTicket<Command, Event, State>[]): Promise<void> {
    let rest = tickets;
    let conflicts = 0;
    let batchMax = this.#options.batchMax;
    while (rest.length > 0) {
      let failure: unknown;
      let batch: DecidedBatch<Command, Event, State> | null = null;
      try {
        batch = this.#decideCached(stream, rest, batchMax) ?? (await this.#decideFresh(stream, rest, batchMax));
        const { draft } = batch;
        if (draft.events.length > 0) {
          const { revision, positions } = await this.#store.append(stream, draft.events, draft.expected);
          batch.positions = positions;
          draft.commit({ revision, position: positions.at(-1)! });
          this.shelf.keep(draft.loaded);
        }
      } catch (caught) {
        failure = caught;
      }
      if (failure === undefined) {
        const replays = answerBatch(batch!, (ticket, known) => this.#answerReplay(stream, ticket, known));
        if (replays !== null) await replays;
        rest = batch!.verdicts.length === rest.length ? [] : rest.slice(batch!.verdicts.length);
        conflicts = 0;
      } else if (isTooLarge(failure) && batch !== null && batch.verdicts.length > 1) {
        batchMax = Math.max(1, batch.verdicts.length >>> 1);
      } else {
        rest = this.#afterFailure(stream, rest, batch, failure, ++conflicts);
        if (rest.length > 0) await this.#refreshAfter(stream, failure);
      }
    }
  }

  /** Only where everything can be answered by what is cached; null: the fresh tail must be read. */
  #decideCached(
    stream: string,
    tickets: readonly CommandTicket<Command, Event, State>[],
    batchMax: number,
  ): DecidedBatch<Command, Event, State> | null {
    const loaded = this.shelf.cached(stream);
    if (loaded === undefined) return null;
    const batch = decideBatch(this.#kind, this.draft(loaded), tickets, batchMax, this.#store);
    return batch.needsFresh ? null : batch;
  }

  async #decideFresh(
    stream: string,
    tickets: readonly CommandTicket<Command, Event, State>[],
    batchMax: number,
  ): Promise<DecidedBatch<Command, Event, State>> {
    const cached = this.shelf.cached(stream);
    if (cached !== undefined) await this.shelf.refresh(cached);
    const loaded = cached ?? (await this.shelf.load(stream));
    return decideBatch(this.#kind, this.draft(loaded), tickets, batchMax, this.#store);
  }

  async #answerReplay(
    stream: string,
    ticket: CommandTicket<Command, Event, State>,
    known: RememberedCommand,
  ): Promise<void> {
    try {
      const replay = await this.replay(stream, known, ticket);
      if ('refused' in replay) ticket.refused(replay);
      else ticket.accepted(replay);
    } catch (failure) {
      ticket.failed(commandErrorOf(failure));
    }
  }

  /** Which commands are decided again; the others have heard. */
  #afterFailure(
    stream: string,
    tickets: readonly CommandTicket<Command, Event, State>[],
    batch: DecidedBatch<Command, Event, State> | null,
    failure: unknown,
    conflicts: number,
  ): readonly CommandTicket<Command, Event, State>[] {
    const again = isConflict(failure) || isUnknown(failure);
    this.#telemetry.count(again ? 'commands_conflicts_total' : 'commands_failed_appends_total');
    if (!isConflict(failure)) this.shelf.drop(stream);
    if (!(failure instanceof EventStoreError)) this.#telemetry.error('a command failed', { stream, error: failure });
    const error =
      again && conflicts > this.#options.conflictRetriesMax
        ? new CommandError(isConflict(failure) ? 'contention' : 'unavailable', `${stream} kept changing`)
        : commandErrorOf(failure);
    const rest: CommandTicket<Command, Event, State>[] = [];
    tickets.forEach((ticket, index) => {
      const touched = batch === null || index < batch.verdicts.length;
      const keyless = isUnknown(failure) && ticket.idempotencyKey === null && batch?.verdicts[index]?.kind === 'staged';
      if (!touched || (again && !keyless && conflicts <= this.#options.conflictRetriesMax)) rest.push(ticket);
      else ticket.failed(error);
    });
    return rest;
  }

  /** A conflict means that the cache is behind: its tail is read. A cache that is not behind after all is not believed. */
  async #refreshAfter(stream: string, failure: unknown): Promise<void> {
    if (!isConflict(failure)) return;
    const cached = this.shelf.cached(stream);
    try {
      if (cached !== undefined && !(await this.shelf.refresh(cached))) this.shelf.drop(stream);
    } catch {
      this.shelf.drop(stream);
    }
  }
}
