import { commandErrorOf, isConflict, isUnknown, CommandError } from '@livegift/command-handling';
import type { ClaimEvent, PaymentReleased } from '@livegift/domain';
import type { EventStore, OrderedAppend } from '@livegift/event-store';
import type { Clock, Ids, NewEvent, RecordedEvent } from '@livegift/kernel';
import { instant, notBefore } from '@livegift/kernel';

/** A claim as the log has it. */
export type RecordedClaim<Claim extends ClaimEvent> = RecordedEvent & Claim;

export interface ClaimAttempt<Claim extends ClaimEvent> {
  readonly data: Claim['data'];
  /** Where the claim stands in its stream. */
  readonly revision: number;
  /** False: somebody had claimed it before; `data` is theirs. */
  readonly ours: boolean;
}

export interface WantedClaim<Claim extends ClaimEvent> {
  readonly stream: string;
  readonly data: Claim['data'];
}

export interface OrderedClaims<Claim extends ClaimEvent> {
  /** A prefix of what was wanted. */
  readonly attempts: readonly ClaimAttempt<Claim>[];
  /** Why the one after them was not claimed, or is not known to be; null when all were. */
  readonly failure: CommandError | null;
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
    for (let revision = 0, released: RecordedEvent | null = null; ;) {
      const event = this.#event(this.type, data, correlationId, released);
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
      released = last;
    }
  }

  /**
   * Claims each that is free, one after the other: the log has them in this order, and none after a failure. Only for
   * claims that are never released. Never rejects.
   */
  async claimInOrder(wanted: readonly WantedClaim<Claim>[], correlationId: string): Promise<OrderedClaims<Claim>> {
    const repeats = repeatsOf(wanted);
    const attempts: (ClaimAttempt<Claim> | null)[] = [];
    try {
      attempts.push(...(await this.#held(wanted)));
      while (attempts.includes(null)) {
        const free = wanted.flatMap(({ stream, data }, index): (OrderedAppend & { index: number })[] => {
          if (attempts[index] !== null || repeats.has(index)) return [];
          const events = [this.#event(this.type, data, correlationId, null)];
          return [{ index, stream, events, expected: 'no-stream' }];
        });
        const { results, failure } = await this.store.appendInOrder(free);
        for (const { index } of free.slice(0, results.length)) {
          attempts[index] = { data: wanted[index]!.data, revision: 0, ours: true };
        }
        for (const [index, first] of repeats) {
          const claimed = attempts[first];
          if (claimed) attempts[index] ??= { ...claimed, ours: false };
        }
        if (failure === undefined) break;
        if (!isConflict(failure) && !isUnknown(failure)) throw failure;
        await this.#lookAtHeld(wanted, attempts, free[results.length]!);
      }
      return { attempts: attempts as ClaimAttempt<Claim>[], failure: null };
    } catch (failure) {
      const first = attempts.indexOf(null);
      return {
        attempts: attempts.slice(0, Math.max(first, 0)) as ClaimAttempt<Claim>[],
        failure: commandErrorOf(failure),
      };
    }
  }

  /** After one that was not free: asks for all at once, since one round for each would take as long as they are many, squared. */
  async #lookAtHeld(
    wanted: readonly WantedClaim<Claim>[],
    attempts: (ClaimAttempt<Claim> | null)[],
    refused: OrderedAppend & { readonly index: number },
  ): Promise<void> {
    const open = attempts.flatMap((attempt, index) => (attempt === null ? [index] : []));
    const claims = await Promise.all(open.map((index) => this.read(wanted[index]!.stream)));
    for (const [at, index] of open.entries()) {
      const claim = claims[at]!;
      if (claim !== null)
        attempts[index] = attemptOf(claim, claim.id === refused.events[0]!.id && index === refused.index);
    }
    if (attempts[refused.index] === null) {
      throw new CommandError('unavailable', `it is not known whether ${refused.stream} was claimed`);
    }
  }

  /**
   * Those that are held. What comes in order is new from some place on: where neither the first nor the last is held, the
   * others are not asked for, and one that is held all the same shows when it is claimed.
   */
  async #held(wanted: readonly WantedClaim<Claim>[]): Promise<(ClaimAttempt<Claim> | null)[]> {
    const none = wanted.map(() => null);
    const read = (claims: readonly WantedClaim<Claim>[]): Promise<(RecordedClaim<Claim> | null)[]> =>
      Promise.all(claims.map(({ stream }) => this.read(stream)));
    if (wanted.length > 2 && (await read([wanted[0]!, wanted.at(-1)!])).every((claim) => claim === null)) return none;
    return (await read(wanted)).map((claim) => (claim === null ? null : attemptOf(claim, false)));
  }

  /** Says that the claim at `revision` does not hold any more; nothing is done when that has been said. @throws CommandError */
  async release(stream: string, revision: number, data: PaymentReleased['data'], correlationId: string): Promise<void> {
    try {
      const event = this.#event(RELEASED, data, correlationId, await this.#last(stream));
      await this.store.append(stream, [event], revision);
    } catch (failure) {
      if (!isConflict(failure)) throw commandErrorOf(failure);
    }
  }

  async #last(stream: string): Promise<RecordedEvent | null> {
    const [last] = await this.store.readStream(stream, { direction: 'backwards', limit: 1 });
    return last ?? null;
  }

  #event(type: string, data: object, correlationId: string, last: RecordedEvent | null): NewEvent {
    const recordedAt = notBefore(instant(this.clock.now()), last?.metadata.recordedAt ?? null);
    const metadata = { $correlationId: correlationId, $causationId: correlationId, recordedAt };
    return { id: this.ids.uuid(), type, schemaVersion: 1, data, metadata };
  }
}

function attemptOf<Claim extends ClaimEvent>(claim: RecordedClaim<Claim>, ours: boolean): ClaimAttempt<Claim> {
  return { data: claim.data, revision: claim.revision, ours };
}

/** Of each claim that asks for the stream of an earlier one, that earlier one: it decides for both. */
function repeatsOf(wanted: readonly { readonly stream: string }[]): ReadonlyMap<number, number> {
  const firsts = new Map<string, number>();
  const repeats = new Map<number, number>();
  for (const [index, { stream }] of wanted.entries()) {
    const first = firsts.get(stream);
    if (first === undefined) firsts.set(stream, index);
    else repeats.set(index, first);
  }
  return repeats;
}
