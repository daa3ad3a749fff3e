import type { MonotonicClock } from '@livegift/kernel';

export interface ReferenceBounds {
  readonly referenceStalenessMs: number;
  readonly referencesCachedMax: number;
}

interface Aged<Value> {
  readonly value: Value;
  readonly readAtMs: number;
}

/**
 * What other streams say, at most `referenceStalenessMs` old. A value that is in use is read again at half that age, while
 * its users go on with the old one. That something does not exist (null) is never kept.
 */
export class AgedReferences<Value> {
  readonly #kept = new Map<string, Aged<Value>>();
  readonly #reading = new Map<string, Promise<Value | null>>();

  /** @param newer which of two is right: the one that was kept while the other was being read, or the one that was read */
  constructor(
    private readonly readStream: (id: string) => Promise<Value | null>,
    private readonly newer: (kept: Value, read: Value) => Value,
    private readonly clock: MonotonicClock,
    private readonly bounds: ReferenceBounds,
  ) {}

  /** What is cached and not too old. */
  cached(id: string): Value | undefined {
    const aged = this.#kept.get(id);
    if (aged === undefined) return undefined;
    const ageMs = this.clock.elapsedMs() - aged.readAtMs;
    const { referenceStalenessMs } = this.bounds;
    if (ageMs > referenceStalenessMs) return undefined;
    if (ageMs * 2 > referenceStalenessMs && !this.#reading.has(id)) void this.read(id).catch(() => {});
    return aged.value;
  }

  /** Null: it does not exist. @throws EventStoreError */
  async get(id: string): Promise<Value | null> {
    const cached = this.cached(id);
    if (cached !== undefined) return cached;
    // A read that began before this question may have missed what was written since.
    const joined = await this.#reading.get(id);
    return (joined && this.cached(id)) ?? this.read(id);
  }

  /** From the stream. Callers that ask at once share one read. @throws EventStoreError */
  read(id: string): Promise<Value | null> {
    let reading = this.#reading.get(id);
    if (reading === undefined) {
      reading = this.#read(id).finally(() => this.#reading.delete(id));
      this.#reading.set(id, reading);
    }
    return reading;
  }

  /** What this process has just written is known at once. */
  note(id: string, value: Value): void {
    this.#keep(id, { value, readAtMs: this.clock.elapsedMs() });
  }

  async #read(id: string): Promise<Value | null> {
    const readAtMs = this.clock.elapsedMs();
    const value = await this.readStream(id);
    if (value === null) return null;
    const kept = this.#kept.get(id);
    if (kept !== undefined && this.newer(kept.value, value) === kept.value) return kept.value;
    this.#keep(id, { value, readAtMs });
    return value;
  }

  #keep(id: string, aged: Aged<Value>): void {
    this.#kept.delete(id);
    this.#kept.set(id, aged);
    if (this.#kept.size > this.bounds.referencesCachedMax) this.#kept.delete(this.#kept.keys().next().value!);
  }
}
