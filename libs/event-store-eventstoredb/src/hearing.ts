import { EventStoreError } from '@livegift/event-store';

/**
 * Whether anything is heard of the server. One that hangs takes what is sent and answers nothing: whoever asks first waits
 * for as long as a call may take, whoever comes after that is told at once, until the server is heard again.
 */
export class Hearing {
  #answers = 0;
  /** Why nothing was heard; null while something is. */
  #silence: string | null = null;
  #stopped = false;

  /** @param ask something small; resolves once it has been answered in whatever way, to false when nothing came in time */
  constructor(private readonly ask: () => Promise<boolean>) {}

  /** So many answers have come: what a call is told when it begins, for `unanswered`. */
  get answers(): number {
    return this.#answers;
  }

  get isSilent(): boolean {
    return this.#silence !== null;
  }

  /** For a call while it is silent: nothing is sent. @throws EventStoreError `unavailable`, always */
  async refuse(): Promise<never> {
    const reason = this.#silence;
    // In a later turn: whoever tries again at once must not keep the answer from coming in.
    await new Promise((resolve) => setImmediate(resolve));
    throw new EventStoreError('unavailable', `EventStoreDB does not answer, it is being asked again: ${reason}`);
  }

  answered(): void {
    this.#answers++;
  }

  /** A call got no answer in time. That is silence only if no other one got any since that call began. */
  unanswered(answersBefore: number, reason: string): void {
    if (this.isSilent || this.#answers !== answersBefore) return;
    this.#silence = reason;
    void this.#listen();
  }

  stop(): void {
    this.#stopped = true;
  }

  async #listen(): Promise<void> {
    while (!this.#stopped && !(await this.ask()));
    this.#silence = null;
  }
}
