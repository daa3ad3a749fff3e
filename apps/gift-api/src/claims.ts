import { commandErrorOf, isConflict, isUnknown, CommandError } from '@livegift/command-handling';
import type { ClaimEvent, PaymentReleased } from '@livegift/domain';
import type { EventStore } from '@livegift/event-store';
import type { Clock, Ids, NewEvent, RecordedEvent } from '@livegift/kernel';
import { instant } from '@livegift/kernel';

/** A claim as the log has it. */
export type RecordedClaim<Claim extends ClaimEvent> = RecordedEvent & Claim;

export interface ClaimAttempt<Claim extends ClaimEvent> {
  readonly data: Claim['data'];
  /** Where the claim stands in its stream. */
  readonly revision: number;
  /** False: somebody had claimed it before; `data` is theirs. */
  readonly ours: boolean;
}

const RELEASED: PaymentReleased['type'] = 'PaymentReleased';

/** The last event of a claim's stream is the claim that holds, or says that it is free again. */
export class Claims<Claim extends ClaimEvent> {
  constructor(
    private readonly store: EventStore,
    private readonly clock: Clock,
    private readonly ids: Ids,
    private readonly type: Claim['type'],
  ) {}

  /** Null: it is free. */
  async read(stream: string): Promise<RecordedClaim<Claim> | null> {
    const last = await this.#last(stream);
    return last === null || last.type === RELEASED ? null : (last as unknown as RecordedClaim<Claim>);
  }

  /**
   * Claims, or says who has. After an unknown outcome it looks: a claim that is not there may still land, so the caller is
   * told `unavailable`, and the finisher takes care of it.
   * @throws CommandError `unavailable`, `overloaded`
   */
  async claim(stream: string, data: Claim['data'], correlationId: string): Promise<ClaimAttempt<Claim>> {
    for (let revision = 0; ;) {
      const event = this.#event(this.type, data, correlationId);
      let failure: unknown;
      try {
        await this.store.append(stream, [event], revision === 0 ? 'no-stream' : revision - 1);
        return { data, revision, ours: true };
      } catch (caught) {
        if (!isConflict(caught) && !isUnknown(caught)) throw commandErrorOf(caught);
        failure = caught;
      }
      const last = await this.#last(stream);
      const free = last === null || last.type === RELEASED;
      if (!free) return { data: last.data as Claim['data'], revision: last.revision, ours: last.id === event.id };
      if (last === null || isUnknown(failure))
        throw new CommandError('unavailable', `it is not known whether ${stream} was claimed`);
      revision = last.revision + 1;
    }
  }

  /** Says that the claim at `revision` does not hold any more; nothing is done when that has been said. @throws CommandError */
  async release(stream: string, revision: number, data: PaymentReleased['data'], correlationId: string): Promise<void> {
    try {
      await this.store.append(stream, [this.#event(RELEASED, data, correlationId)], revision);
    } catch (failure) {
      if (!isConflict(failure)) throw commandErrorOf(failure);
    }
  }

  async #last(stream: string): Promise<RecordedEvent | null> {
    const [last] = await this.store.readStream(stream, { direction: 'backwards', limit: 1 });
    return last ?? null;
  }

  #event(type: string, data: object, correlationId: string): NewEvent {
    const recordedAt = instant(this.clock.now());
    const metadata = { $correlationId: correlationId, $causationId: correlationId, recordedAt };
    return { id: this.ids.uuid(), type, schemaVersion: 1, data, metadata };
  }
}
