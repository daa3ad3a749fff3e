import type { DomainEvent, Position, Refused } from '@livegift/kernel';
import type { Cause } from './loaded-stream.js';
import type { Accepted, CommandError, CommandOutcome } from './outcome.js';

/** What an accepted command has done, or (replayed) did the first time. */
export interface Decided<Event extends DomainEvent, State> {
  /** Empty: there was nothing to do. */
  readonly events: readonly Event[];
  /** Of the first event; without events that of the stream's last one. */
  readonly revision: number;
  /** Of the last event; without events that of the stream's last one. */
  readonly position: Position;
  readonly replayed: boolean;
  /** After the command; null on a replay, whose events say how it was. */
  readonly state: State | null;
}

/** A command that waits in its stream's lane. Exactly one of its three methods is called, once. */
export interface CommandTicket<Command, Event extends DomainEvent, State> extends Cause {
  readonly command: Command;
  accepted(decided: Decided<Event, State>): void;
  refused(refusal: Refused): void;
  failed(error: CommandError): void;
}

/** A ticket that settles a promise. */
export class PromisedTicket<Command, Event extends DomainEvent, State, Answer> implements CommandTicket<
  Command,
  Event,
  State
> {
  readonly outcome: Promise<CommandOutcome<Answer>>;
  readonly idempotencyKey: string | null;
  readonly bodyHash: string | null;
  readonly correlationId: string;
  #resolve!: (outcome: CommandOutcome<Answer>) => void;
  #reject!: (error: unknown) => void;

  constructor(
    readonly command: Command,
    cause: Cause,
    private readonly toAccepted: (decided: Decided<Event, State>) => Accepted<Answer>,
  ) {
    this.idempotencyKey = cause.idempotencyKey;
    this.bodyHash = cause.bodyHash;
    this.correlationId = cause.correlationId;
    this.outcome = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  accepted(decided: Decided<Event, State>): void {
    try {
      this.#resolve(this.toAccepted(decided));
    } catch (failure) {
      this.#reject(failure);
    }
  }

  refused(refusal: Refused): void {
    this.#resolve(refusal);
  }

  failed(error: CommandError): void {
    this.#reject(error);
  }
}
