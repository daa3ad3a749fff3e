import {
  creatorDecider,
  creatorStream,
  type CreatorState,
  type DiamondsCredited,
  type GiftSent,
} from '@livegift/domain';
import { EventStoreError, type EventStore } from '@livegift/event-store';
import { notBefore, type Ids, type Instant, type NewEvent, type RecordedEvent, type Telemetry } from '@livegift/kernel';
import { readCreatorTail } from './creator-tail.js';
import { RecentlyUsed } from './recently-used.js';

export type RecordedGift = RecordedEvent & GiftSent;

export interface CreditParts {
  readonly store: EventStore;
  readonly ids: Ids;
  readonly telemetry: Telemetry;
  /** Creators whose state is kept between batches; those not used lately go first. */
  readonly creatorsCachedMax: number;
  /** Conflicts in a row with other writers of one creator's stream, before giving up for now. */
  readonly conflictRetriesMax: number;
}

/** A creator's state and when the newest event of its stream was recorded. */
interface KnownCreator {
  readonly state: CreatorState;
  readonly recordedAt: Instant | null;
}

/** A credit takes up to this much of an append, with the longest ids there are; a longer one is split off by trying. */
const CREDIT_BYTES_USUAL = 1_200;

/** After these the stream may look different from what is cached: read it again, skip what is there, go on. */
const LOOK_AGAIN: ReadonlySet<string> = new Set(['wrong-expected-revision', 'append-outcome-unknown']);

/**
 * Credits the gifts of a creator, exactly once by two facts alone: the end of the creator's stream says through which
 * gift the creator is settled, and the append expects the stream to end there. The cache only saves reading.
 */
export class CreatorCredits {
  readonly #states: RecentlyUsed<KnownCreator>;
  readonly #creditsPerAppendMax: number;

  constructor(private readonly parts: CreditParts) {
    this.#states = new RecentlyUsed(parts.creatorsCachedMax);
    const { appendEventsMax, appendBytesMax } = parts.store;
    this.#creditsPerAppendMax = Math.max(1, Math.min(appendEventsMax, Math.floor(appendBytesMax / CREDIT_BYTES_USUAL)));
  }

  /**
   * Credits those of `gifts` that are newer than what the creator is settled through. One call per creator at a time.
   * @param gifts of one creator, in order of position, none left out since the last call
   * @param now when they are credited
   * @throws EventStoreError when the store does not take them now; call again with the same gifts
   */
  async credit(creatorId: string, gifts: readonly RecordedGift[], now: Instant): Promise<void> {
    let known = this.#states.get(creatorId) ?? (await this.#read(creatorId));
    let perAppend = this.#creditsPerAppendMax;
    let conflicts = 0;
    let next = 0;
    while (next < gifts.length) {
      const decided = this.#decide(creatorId, gifts.slice(next, next + perAppend), known, now);
      if (decided.events.length > 0) {
        try {
          await this.#append(creatorId, decided.events, known.state);
        } catch (error) {
          this.#states.delete(creatorId);
          const code = error instanceof EventStoreError ? error.code : null;
          if (code === 'append-too-large' && decided.events.length > 1) {
            perAppend = Math.ceil(decided.events.length / 2);
            continue;
          }
          if (code === null || !LOOK_AGAIN.has(code) || ++conflicts > this.parts.conflictRetriesMax) throw error;
          this.parts.telemetry.count('settlement_conflicts_total');
          known = await this.#read(creatorId);
          continue;
        }
        conflicts = 0;
        this.parts.telemetry.count('settlement_credits_total', decided.events.length);
      }
      known = decided.known;
      next += perAppend;
    }
    this.#states.set(creatorId, known);
  }

  /** In the manner that does not ask where each event stands: to find that out, some stores read it all back. */
  async #append(creatorId: string, events: readonly NewEvent[], state: CreatorState): Promise<void> {
    const expected = state.nextRevision === 0 ? 'no-stream' : state.nextRevision - 1;
    const { failure } = await this.parts.store.appendInOrder([{ stream: creatorStream(creatorId), events, expected }]);
    if (failure !== undefined) throw failure;
  }

  /** The credits of those gifts that are not credited yet, and the state after them. */
  #decide(creatorId: string, gifts: readonly RecordedGift[], before: KnownCreator, now: Instant) {
    const events: NewEvent<'DiamondsCredited', DiamondsCredited['data']>[] = [];
    const recordedAt = notBefore(now, before.recordedAt);
    let { state } = before;
    for (const gift of gifts) {
      const { giftId, roomId, coins, diamonds, occurredAt } = gift.data;
      const giftPosition = gift.position;
      const [credited] = creatorDecider.decide(
        { type: 'CreditGift', creatorId, giftId, giftPosition, roomId, coins, diamonds, occurredAt },
        state,
      ) as readonly DiamondsCredited[];
      if (credited === undefined) continue;
      events.push({
        id: this.parts.ids.uuid(),
        type: credited.type,
        schemaVersion: credited.schemaVersion,
        data: credited.data,
        metadata: {
          $correlationId: gift.metadata.$correlationId,
          $causationId: gift.id,
          recordedAt,
          previousOfType: state.lastCreditRevision,
          settledThrough: giftPosition,
        },
      });
      state = creatorDecider.evolve(state, credited);
    }
    return { events, known: events.length === 0 ? before : { state, recordedAt } };
  }

  async #read(creatorId: string): Promise<KnownCreator> {
    const { state, last } = await readCreatorTail(this.parts.store, creatorId);
    if (last !== undefined && (last.metadata.settledThrough ?? null) !== state.settledThrough) {
      this.parts.telemetry.count('settlement_tails_inconsistent_total');
      this.parts.telemetry.error('settlement: a creator’s last event does not say how far the creator is settled', {
        creatorId,
        revision: last.revision,
      });
    }
    return { state, recordedAt: last?.metadata.recordedAt ?? null };
  }
}
