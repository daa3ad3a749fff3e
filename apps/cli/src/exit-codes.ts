/** What a verb's exit code says. */
export const EXIT = { clean: 0, finding: 1, usage: 2, interrupted: 130 } as const;

/** The caller asked for something that cannot be: exit 2, without a stack trace. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** It could be asked, but did not go through: exit 1, without a stack trace. */
export class StoppedError extends Error {
  override readonly name = 'StoppedError';
}

/** Ctrl-C: exit 130. What was done so far has been printed. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';
}
