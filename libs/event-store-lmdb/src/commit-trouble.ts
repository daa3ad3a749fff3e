import type { Telemetry } from '@livegift/kernel';

const TRY_EVERY_MS = 1_000;

/** Why the last commit failed, until one succeeds: readiness shows it, and the log says it once, not per commit. */
export class CommitTrouble {
  #reason: string | null = null;
  #tries: NodeJS.Timeout | null = null;

  constructor(
    private readonly file: string,
    private readonly telemetry: Telemetry,
    /** Makes a small commit: without callers, who may stay away, nothing else would find out that it works again. */
    private readonly tryAgain: () => void,
  ) {}

  /** Null while commits succeed. */
  get reason(): string | null {
    return this.#reason;
  }

  failed(reason: string): void {
    this.telemetry.count('event_store_commit_failures_total');
    if (this.#reason === null) {
      this.telemetry.error('commits of the event store fail', { file: this.file, error: reason });
      this.#tries = setInterval(this.tryAgain, TRY_EVERY_MS);
      this.#tries.unref();
    }
    this.#reason = reason;
  }

  succeeded(): void {
    if (this.#reason === null) return;
    this.telemetry.info('commits of the event store succeed again', { file: this.file });
    this.#reason = null;
    this.stop();
  }

  stop(): void {
    if (this.#tries !== null) clearInterval(this.#tries);
    this.#tries = null;
  }
}
