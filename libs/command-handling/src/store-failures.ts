import { EventStoreError } from '@livegift/event-store';
import { CommandError } from './outcome.js';

export const isConflict = (failure: unknown): boolean =>
  failure instanceof EventStoreError && failure.code === 'wrong-expected-revision';
export const isUnknown = (failure: unknown): boolean =>
  failure instanceof EventStoreError && failure.code === 'append-outcome-unknown';
export const isTooLarge = (failure: unknown): boolean =>
  failure instanceof EventStoreError && failure.code === 'append-too-large';

/** What a caller is told when the store has failed. */
export function commandErrorOf(failure: unknown): CommandError {
  if (failure instanceof CommandError) return failure;
  if (failure instanceof EventStoreError) {
    if (failure.code === 'overloaded') return new CommandError('overloaded', failure.message, { cause: failure });
    return new CommandError('unavailable', failure.message, { cause: failure });
  }
  return new CommandError('unavailable', 'the command failed', { cause: failure });
}
