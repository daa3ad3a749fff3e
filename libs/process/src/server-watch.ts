import { FailureLog, instant, type Cancellable, type Clocks, type Scheduler, type Telemetry } from '@livegift/kernel';
import type { ReadinessPart } from './readiness.js';

export interface WatchedServer {
  /** As readiness names it: `event-store`, `read-model`, `fan-out`, `leases`. */
  readonly name: string;
  /** Its hosts and ports, never a login. */
  readonly at: string;
  /** A small question. Rejects, or takes longer than `ANSWER_MS_MAX`, while the server is away. */
  ask(): Promise<unknown>;
}

interface Outside {
  readonly clock: Clocks;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
}

/** A probe of the process waits no longer than this for an answer about a server. */
const ANSWER_MS_MAX = 1_000;
const ASK_EVERY_MS = 2_000;
/** One answer that took too long on a busy machine is no news. */
const AWAY_AFTER_FAILURES = 2;

/**
 * Watches a server that the process can live without for a while. Readiness shows it, and never depends on it: what the
 * process does without the server is for its consumers and its answers to say.
 */
export class ServerWatch implements ReadinessPart {
  readonly name: string;
  readonly isOptional = true;
  readonly #log: FailureLog;
  #timer: Cancellable | null = null;
  #asking: Promise<void> | null = null;
  #isStarted = false;
  #failure: string | null = 'has not answered yet';
  #failuresInRow = 0;
  #changedMs: number;

  constructor(
    private readonly server: WatchedServer,
    private readonly outside: Outside,
  ) {
    this.name = server.name;
    this.#log = new FailureLog(outside.telemetry);
    this.#changedMs = outside.clock.elapsedMs();
  }

  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#tick();
  }

  stop(): void {
    this.#isStarted = false;
    this.#timer?.cancel();
  }

  async isReady(): Promise<boolean> {
    await this.#ask();
    return this.#failure === null;
  }

  reason(): string | null {
    return this.#failure;
  }

  facts(): Readonly<Record<string, string>> {
    const { clock } = this.outside;
    const since = instant(clock.now() - (clock.elapsedMs() - this.#changedMs));
    return { server: this.server.at, since };
  }

  #tick(): void {
    void this.#ask().then(() => {
      if (!this.#isStarted) return;
      this.#timer = this.outside.scheduler.after(ASK_EVERY_MS, () => {
        if (this.#isStarted) this.#tick();
      });
    });
  }

  /** Callers that come together share one question. */
  #ask(): Promise<void> {
    this.#asking ??= this.#askNow().finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  async #askNow(): Promise<void> {
    let late: Cancellable | undefined;
    const tooLong = new Promise<never>((_, reject) => {
      const give = (): void => reject(new Error(`no answer within ${ANSWER_MS_MAX} ms`));
      late = this.outside.scheduler.after(ANSWER_MS_MAX, give);
    });
    try {
      await Promise.race([this.server.ask(), tooLong]);
      this.#answered();
    } catch (error) {
      this.#unanswered(error instanceof Error ? error.message : String(error));
    } finally {
      late?.cancel();
    }
  }

  #answered(): void {
    const { clock, telemetry } = this.outside;
    const { name, at } = this.server;
    const awaySeconds = Math.round((clock.elapsedMs() - this.#changedMs) / 1_000);
    if (this.#failure !== null) this.#changedMs = clock.elapsedMs();
    this.#failure = null;
    this.#failuresInRow = 0;
    this.#log.recovered(`${name} is available again`, { server: at, awaySeconds });
    telemetry.gauge('server_up', 1, { server: name });
  }

  #unanswered(reason: string): void {
    const { clock, telemetry } = this.outside;
    const { name, at } = this.server;
    if (this.#failure === null) this.#changedMs = clock.elapsedMs();
    this.#failure = reason;
    if (++this.#failuresInRow < AWAY_AFTER_FAILURES) return;
    this.#log.failed(`${name} is not available`, { server: at, reason, since: this.facts()['since'] });
    telemetry.gauge('server_up', 0, { server: name });
  }
}
