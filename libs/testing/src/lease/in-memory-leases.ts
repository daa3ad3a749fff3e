import type { Clock } from '@livegift/kernel';
import { LEASE_DOCUMENT_LENGTH_MAX, LeaseError, type LeaseReading, type Leases } from '@livegift/lease';

interface Kept {
  readonly document: string;
  readonly untilMs: number;
}

/** A lease service in memory: `handle` gives each process its own. */
export class InMemoryLeaseService {
  readonly #kept = new Map<string, Kept>();

  constructor(private readonly clock: Clock) {}

  handle(): Leases {
    let closed = false;
    const assertOpen = (): void => {
      if (closed) throw new LeaseError('unavailable', 'the leases are closed');
    };
    return {
      read: async (group) => {
        assertOpen();
        return this.read(group);
      },
      replace: async (group, expected, document, keepMs) => {
        assertOpen();
        return this.replace(group, expected, document, keepMs);
      },
      close: async () => {
        closed = true;
      },
    };
  }

  read(group: string): LeaseReading {
    const nowMs = this.clock.now();
    const kept = this.#kept.get(group);
    return { document: kept === undefined || kept.untilMs <= nowMs ? null : kept.document, nowMs };
  }

  replace(group: string, expected: string | null, document: string, keepMs: number): boolean {
    if (document.length > LEASE_DOCUMENT_LENGTH_MAX) {
      throw new RangeError(`a document has at most ${LEASE_DOCUMENT_LENGTH_MAX} characters`);
    }
    if (this.read(group).document !== expected) return false;
    this.#kept.set(group, { document, untilMs: this.clock.now() + keepMs });
    return true;
  }

  /** As a server without persistence that was started again. */
  forgetAll(): void {
    this.#kept.clear();
  }
}
