import type { Refused } from '@livegift/kernel';

/** Who asks, and under which key. */
export interface CommandContext {
  /** Null where the command does not need one and came without. */
  readonly idempotencyKey: string | null;
  readonly correlationId: string;
}

export interface Accepted<Answer> {
  readonly answer: Answer;
  /** Something new came to be: 201 rather than 200. A replay says what it said the first time. */
  readonly created: boolean;
  readonly replayed: boolean;
}

/** A command's answer, or why not (the problem's code). */
export type CommandOutcome<Answer> = Accepted<Answer> | Refused;

export type CommandErrorCode =
  /** A bound was reached; nothing was written. Safe to repeat with the same key. */
  | 'overloaded'
  /** The store is away, or the outcome is not known. Safe to repeat with the same key. */
  | 'unavailable'
  /** A conflict outlasted its retries; nothing was written. */
  | 'contention';

export class CommandError extends Error {
  override readonly name = 'CommandError';

  constructor(
    readonly code: CommandErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
