import type { Decider, DomainEvent } from '@livegift/kernel';

/** A purse for the specs of this library: it is filled and emptied, and never below nothing. */
export type Filled = DomainEvent<'Filled', { readonly amount: number; readonly held: number }>;
export type Taken = DomainEvent<'Taken', { readonly amount: number; readonly held: number }>;
export type Confirmed = DomainEvent<'Confirmed', { readonly amount: 0; readonly held: number }>;
export type ToyEvent = Filled | Taken | Confirmed;

export interface ToyState {
  readonly held: number;
  readonly changes: number;
}

export type ToyCommand =
  | { readonly type: 'Fill'; readonly amount: number }
  | { readonly type: 'Take'; readonly amount: number; readonly pieces?: number };

export type ToyRefusal = 'purse-empty';

/** Taking in pieces is one command of several events. Filling with nothing is accepted, with nothing to write. */
export const toyDecider: Decider<ToyState, ToyCommand, ToyEvent, ToyRefusal> = {
  initialState: { held: 0, changes: 0 },
  decide: (command, { held }) => {
    const { amount } = command;
    if (command.type === 'Fill') {
      return amount === 0 ? [] : [{ type: 'Filled', schemaVersion: 1, data: { amount, held: held + amount } }];
    }
    const pieces = command.pieces ?? 1;
    if (held < amount * pieces) return { refused: 'purse-empty', details: { held } };
    return Array.from({ length: pieces }, (_, piece) => ({
      type: 'Taken',
      schemaVersion: 1,
      data: { amount, held: held - amount * (piece + 1) },
    }));
  },
  evolve: (state, event) => ({ held: event.data.held, changes: state.changes + 1 }),
};

export const toyConfirmed = (_command: ToyCommand, { held }: ToyState): Confirmed => ({
  type: 'Confirmed',
  schemaVersion: 1,
  data: { amount: 0, held },
});
