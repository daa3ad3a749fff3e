import type { Telemetry } from './outside.js';

/**
 * Logs failures that repeat: the first of a row, then each time that twice as many have followed. A server that is away for
 * an hour leaves a dozen lines, not a thousand.
 */
export class FailureLog {
  #failures = 0;

  constructor(
    private readonly telemetry: Telemetry,
    private readonly level: 'warn' | 'error' = 'warn',
  ) {}

  /** How many failed in a row. */
  get failures(): number {
    return this.#failures;
  }

  failed(message: string, fields: Readonly<Record<string, unknown>>): void {
    this.#failures++;
    const isPowerOfTwo = (this.#failures & (this.#failures - 1)) === 0;
    if (isPowerOfTwo) this.telemetry[this.level](message, { ...fields, failures: this.#failures });
  }

  /** Logs `message` if anything failed since the last call, and starts over. */
  recovered(message: string, fields: Readonly<Record<string, unknown>> = {}): void {
    if (this.#failures > 0) this.telemetry.info(message, { ...fields, failures: this.#failures });
    this.#failures = 0;
  }
}
