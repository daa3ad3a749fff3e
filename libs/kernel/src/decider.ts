/** What a command may not do, by name. Never an exception: a refusal is an answer. */
export interface Refused<Name extends string = string> {
  readonly refused: Name;
  /** Extra facts of the answer, as `balance` and `required` of `balance-too-low`. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** A fact that a decider has decided; the envelope (id, metadata) is put around it outside. */
export interface DomainEvent<Type extends string = string, Data = unknown> {
  readonly type: Type;
  readonly schemaVersion: number;
  readonly data: Data;
}

/** Three pure functions. Time, prices, shares and ids stand in the command. An empty list: accepted, nothing to write. */
export interface Decider<State, Command, Event extends DomainEvent, Refusal extends string = string> {
  readonly initialState: State;
  decide(command: Command, state: State): readonly Event[] | Refused<Refusal>;
  evolve(state: State, event: Event): State;
}

export function isRefused<Name extends string>(
  decision: readonly unknown[] | Refused<Name>,
): decision is Refused<Name> {
  return !Array.isArray(decision);
}
