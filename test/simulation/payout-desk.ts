import { instant, notBefore } from '@livegift/kernel';
import { EventStoreError, type EventStore } from '@livegift/event-store';
import type { SeededRandom, VirtualWorld } from '@livegift/testing';

const EVERY_MS_MAX = 1_500;

/**
 * Somebody else who writes to creators' streams, as payouts will: an event of another kind, last in the stream, that hands
 * on how far the creator is settled. Settlement must neither forget that nor trip over it.
 */
export class PayoutDesk {
  readonly #random: SeededRandom;
  #over = false;

  constructor(
    private readonly world: VirtualWorld,
    private readonly creators: readonly string[],
    private readonly store: () => EventStore | null,
  ) {
    this.#random = world.random.fork();
  }

  begin(): void {
    this.world.schedule(this.#random.between(0, EVERY_MS_MAX), 'a payout is noted', () => {
      if (this.#over) return;
      void this.#note(this.#random.pick(this.creators)).catch((error: unknown) => {
        if (!(error instanceof EventStoreError)) throw error;
      });
      this.begin();
    });
  }

  end(): void {
    this.#over = true;
  }

  async #note(creatorId: string): Promise<void> {
    const store = this.store();
    if (store === null) return;
    const stream = `creator-${creatorId}`;
    const [last] = await store.readStream(stream, { direction: 'backwards', limit: 1 });
    if (last === undefined) return;
    const occurredAt = instant(Math.floor(this.world.nowMs));
    const id = this.#random.uuid();
    const { settledThrough } = last.metadata;
    const recordedAt = notBefore(occurredAt, last.metadata.recordedAt);
    const metadata = { $correlationId: id, $causationId: id, recordedAt, settledThrough };
    const event = { id, type: 'PayoutNoted', schemaVersion: 1, data: { creatorId, occurredAt }, metadata };
    await store.append(stream, [event], last.revision);
  }
}
