import { deepStrictEqual } from 'node:assert';
import { isRefused, type Decider, type DomainEvent, type Refused } from '@livegift/kernel';

/** What came of a command, to be held against what was expected. Each check throws an `AssertionError` with a diff. */
export class Outcome<Event extends DomainEvent, Refusal extends string> {
  constructor(readonly decision: readonly Event[] | Refused<Refusal>) {}

  /** Exactly these events: order, count and every field. None: accepted with nothing to write. */
  // oxlint-disable-next-line unicorn/no-thenable -- given, when, then: nobody awaits it
  then(...expected: readonly Event[]): void {
    deepStrictEqual(this.decision, expected);
  }

  /** Exactly this refusal, with exactly these details. */
  thenRefused(refused: Refusal, details?: Readonly<Record<string, unknown>>): void {
    deepStrictEqual(this.decision, details === undefined ? { refused } : { refused, details });
  }
}

/** `const given = scenarioOf(walletDecider); given(opened, bought).when(sendGift).then(giftSent)`. */
export function scenarioOf<State, Command, Event extends DomainEvent, Refusal extends string>(
  decider: Decider<State, Command, Event, Refusal>,
): (...history: readonly Event[]) => { readonly when: (command: Command) => Outcome<Event, Refusal> } {
  return (...history) => ({ when: (command) => new Outcome(decider.decide(command, stateAfter(decider, history))) });
}

export function stateAfter<State, Event extends DomainEvent>(
  decider: Pick<Decider<State, never, Event>, 'initialState' | 'evolve'>,
  history: readonly Event[],
): State {
  return history.reduce((state, event) => decider.evolve(state, event), decider.initialState);
}

/** The events of a decision that must not be refused, for specs that go on from there. */
export function accepted<Event extends DomainEvent>(decision: readonly Event[] | Refused): readonly Event[] {
  if (isRefused(decision)) throw new Error(`refused: ${decision.refused}`);
  return decision;
}
