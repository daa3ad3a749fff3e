import type { SharedWork } from './shared-work.js';

export interface Worker {
  /** Never rejects. */
  stop(): Promise<void>;
}

/**
 * A worker of which one is enough: begun while the work's only part is ours, and stopped as soon as it is not. The next
 * one begins only when the last one has stopped.
 */
export class SoleWorker<Kind extends Worker> {
  #current: Kind | null = null;
  #isWanted = false;
  #life: 'new' | 'running' | 'stopped' = 'new';
  #stopping: Promise<void> | null = null;

  /** @throws RangeError when the work has more parts than one */
  constructor(
    private readonly work: SharedWork,
    private readonly begin: () => Kind,
  ) {
    if (work.partCount !== 1) throw new RangeError('the work of a sole worker has one part');
  }

  /** Null while the work is another's. */
  get current(): Kind | null {
    return this.#current;
  }

  start(): void {
    if (this.#life !== 'new') return;
    this.#life = 'running';
    this.work.onChange((parts) => this.#want(parts.has(0)));
    this.work.start();
    this.#want(this.work.parts().has(0));
  }

  /** The worker stops before its work is given back. */
  async stop(): Promise<void> {
    this.#life = 'stopped';
    this.#want(false);
    await this.#stopping;
    await this.work.stop();
  }

  #want(isWanted: boolean): void {
    this.#isWanted = isWanted && this.#life === 'running';
    if (this.#stopping !== null) return;
    if (this.#isWanted) this.#current ??= this.begin();
    else if (this.#current !== null) this.#stopping = this.#end(this.#current);
  }

  async #end(worker: Kind): Promise<void> {
    await worker.stop();
    this.#current = null;
    this.#stopping = null;
    this.#want(this.#isWanted);
  }
}
