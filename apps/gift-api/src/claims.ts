import { commandErrorOf, isConflict, isUnknown, CommandError } from '@livegift/command-handling';
import type { ClaimEvent } from '@livegift/domain';
import type { EventStore } from '@livegift/event-store';
import type { Clock, Ids, NewEvent, RecordedEvent } from '@livegift/kernel';
import { instant } from '@livegift/kernel';

/** A claim as the log has it. */
export type RecordedClaim<Claim extends ClaimEvent> = RecordedEvent & Claim;

export interface ClaimAttempt<Claim extends ClaimEvent> {
  readonly data: Claim['data'];
  /** False: somebody had claimed it before; `data` is theirs. */
  readonly ours: boolean;
}

/** The first event of a claim's stream is the claim; there is never a second. */
export class Claims<Claim extends ClaimEvent> {
  constructor(
    private readonly store: EventStore,
    private readonly clock: Clock,
    private readonly ids: Ids,
    private readonly type: Claim['type'],
  ) {}

  async read(stream: string): Promise<RecordedClaim<Claim> | null> {
    const [first] = await this.store.readStream(stream, { limit: 1 });
    return first === undefined ? null : (first as unknown as RecordedClaim<Claim>);
  }

  /**
   * Claims, or says who has. After an unknown outcome it looks: a claim that is not there may still land, so the caller is
   * told `unavailable`, and the finisher takes care of it.
   * @throws CommandError `unavailable`, `overloaded`
   */
  async claim(stream: string, data: Claim['data'], correlationId: string): Promise<ClaimAttempt<Claim>> {
    const event: NewEvent = {
      id: this.ids.uuid(),
      type: this.type,
      schemaVersion: 1,
      data,
      metadata: {
        $correlationId: correlationId,
        $causationId: correlationId,
        recordedAt: instant(this.clock.now()),
      },
    };
    try {
      await this.store.append(stream, [event], 'no-stream');
      return { data, ours: true };
    } catch (failure) {
      if (!isConflict(failure) && !isUnknown(failure)) throw commandErrorOf(failure);
    }
    const first = await this.read(stream);
    if (first === null) throw new CommandError('unavailable', `it is not known whether ${stream} was claimed`);
    return { data: first.data, ours: first.id === event.id };
  }
}
