import type { Cancellable, MonotonicClock, Scheduler, Telemetry } from '@livegift/kernel';
import { renewed, without } from './fair-share.js';
import { documentOf, HOLDER_LENGTH_MAX, membersIn, type LeaseMember } from './lease-table.js';
import type { Leases } from './leases.js';
import type { SharedWork } from './shared-work.js';

export interface SharedWorkParts {
  readonly leases: Leases;
  /** Processes that do the same work: `publisher`, `projector`, … */
  readonly group: string;
  readonly partCount: number;
  /** Of this process, since this start: nobody else has it. */
  readonly holder: string;
  readonly clock: MonotonicClock;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
  readonly options?: Partial<SharedWorkOptions>;
}

export interface SharedWorkOptions {
  /** So long after its last renewal a process counts as dead, and the others take its parts. */
  readonly leaseMs: number;
  readonly renewEveryMs: number;
  /** A process that holds nothing takes everything when the lease service was away for so long. */
  readonly withoutLeasesMsMax: number;
}

export const SHARED_WORK_DEFAULTS: SharedWorkOptions = {
  leaseMs: 9_000,
  renewEveryMs: 3_000,
  withoutLeasesMsMax: 30_000,
};

/** Others renew at the same time: so often it is tried again before the next turn. */
const TRIES_MAX = 5;
/** A group's document is forgotten after so many leases that nobody renewed. */
const KEEP_LEASES = 10;

/**
 * A fair share of the parts, by leases that each process renews. While the lease service is away a process keeps what it
 * holds, because nobody else can take it; one that holds nothing takes everything after `withoutLeasesMsMax`, because
 * saving work must not cost the work. When the service is back, the fair share rules again.
 * @throws RangeError when `partCount` or `holder` is none
 */
export function shareWork(parts: SharedWorkParts): SharedWork {
  const { partCount, holder } = parts;
  if (!Number.isSafeInteger(partCount) || partCount < 1) throw new RangeError('partCount must be a number from 1 on');
  if (holder === '' || holder.length > HOLDER_LENGTH_MAX) {
    throw new RangeError(`holder must have 1 to ${HOLDER_LENGTH_MAX} characters`);
  }
  return new LeasedWork(parts);
}

class LeasedWork implements SharedWork {
  readonly partCount: number;
  readonly #options: SharedWorkOptions;
  #held: ReadonlySet<number> = new Set();
  #listener: (parts: ReadonlySet<number>) => void = () => {};
  #state: 'idle' | 'running' | 'stopped' = 'idle';
  #timer: Cancellable | null = null;
  #renewing: Promise<void> = Promise.resolve();
  /** When the service was last known to answer; from the start on until it first does. */
  #answeredMs = 0;
  #isAway = false;
  #isAgreed = false;

  constructor(private readonly given: SharedWorkParts) {
    this.partCount = given.partCount;
    this.#options = { ...SHARED_WORK_DEFAULTS, ...given.options };
  }

  parts(): ReadonlySet<number> {
    return this.#held;
  }

  isAgreed(): boolean {
    return this.#isAgreed;
  }

  onChange(listener: (parts: ReadonlySet<number>) => void): void {
    this.#listener = listener;
  }

  start(): void {
    if (this.#state !== 'idle') return;
    this.#state = 'running';
    this.#answeredMs = this.given.clock.elapsedMs();
    this.#turn();
  }

  async stop(): Promise<void> {
    if (this.#state === 'stopped') return;
    const wasRunning = this.#state === 'running';
    this.#state = 'stopped';
    this.#timer?.cancel();
    await this.#renewing;
    this.#hold([]);
    if (wasRunning && !this.#isAway) await this.#giveBack();
  }

  #turn(): void {
    const { scheduler } = this.given;
    this.#renewing = this.#renew().then(() => {
      if (this.#state === 'running') this.#timer = scheduler.after(this.#options.renewEveryMs, () => this.#turn());
    });
  }

  async #renew(): Promise<void> {
    try {
      for (let tries = 0; tries < TRIES_MAX; tries++) if (await this.#renewOnce()) break;
      this.#answered();
    } catch (error) {
      this.#away(error);
    }
  }

  /** False when another one's renewal came between. */
  async #renewOnce(): Promise<boolean> {
    const { leases, group, holder, partCount, telemetry } = this.given;
    const { leaseMs } = this.#options;
    const { document, nowMs } = await leases.read(group);
    const members = this.#membersIn(document);
    const next = renewed(members, { holder, nowMs, leaseMs, partCount, held: this.#held });
    if (next === null) {
      telemetry.warn('leases: the group is full', { group, members: members.length });
      this.#hold([]);
      return true;
    }
    if (!(await leases.replace(group, document, documentOf(next), leaseMs * KEEP_LEASES))) return false;
    this.#hold(next.find((member) => member.holder === holder)!.parts);
    return true;
  }

  #membersIn(document: string | null): readonly LeaseMember[] {
    const members = document === null ? [] : membersIn(document);
    if (members !== null) return members;
    const { group, telemetry } = this.given;
    telemetry.warn('leases: what the group had agreed on cannot be read; it begins anew', { group });
    return [];
  }

  #answered(): void {
    const { clock, group, telemetry } = this.given;
    this.#answeredMs = clock.elapsedMs();
    if (this.#isAway) telemetry.info('leases: the lease service answers again', { group });
    this.#isAway = false;
  }

  #away(error: unknown): void {
    const { clock, group, partCount, telemetry } = this.given;
    telemetry.count('lease_failures_total', 1, { group: this.given.group });
    if (!this.#isAway) {
      telemetry.warn('leases: the lease service does not answer; keeping what is held', {
        group,
        error: String(error),
      });
    }
    this.#isAway = true;
    if (this.#held.size > 0 || this.#state !== 'running') return;
    if (clock.elapsedMs() - this.#answeredMs < this.#options.withoutLeasesMsMax) return;
    telemetry.warn('leases: away for too long; taking everything until the lease service is back', { group });
    this.#hold(Array.from({ length: partCount }, (_, part) => part));
  }

  #hold(parts: readonly number[]): void {
    this.#isAgreed = true;
    if (parts.length === this.#held.size && parts.every((part) => this.#held.has(part))) return;
    this.#held = new Set(parts);
    this.given.telemetry.gauge('lease_parts_held', this.#held.size, { group: this.given.group });
    this.#listener(this.#held);
  }

  /** So that others need not wait for the lease to end; when it cannot be said, they wait. */
  async #giveBack(): Promise<void> {
    const { leases, group, holder } = this.given;
    try {
      for (let tries = 0; tries < TRIES_MAX; tries++) {
        const { document } = await leases.read(group);
        if (document === null) return;
        const members = this.#membersIn(document);
        const keepMs = this.#options.leaseMs * KEEP_LEASES;
        if (await leases.replace(group, document, documentOf(without(members, holder)), keepMs)) return;
      }
    } catch (error) {
      this.given.telemetry.warn('leases: could not give back', { group, error: String(error) });
    }
  }
}
