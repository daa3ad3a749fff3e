import type { EventStore } from '@livegift/event-store';
import { creatorStream, type DiamondsCredited } from '@livegift/domain';
import type { Diamonds, MonotonicClock, Position, RecordedEvent } from '@livegift/kernel';
import { AgedReferences, type ReferenceBounds } from '../aged-references.js';
import { newestKnown } from '../newest-known.js';

/** What settlement has credited to a creator, and up to which gift. */
interface Credited {
  readonly diamonds: Diamonds;
  readonly through: Position | null;
}

/** Gifts that this process has sent to one creator, oldest group first. */
interface Sent {
  groups: SentGroup[];
  diamonds: Diamonds;
}

interface SentGroup {
  /** The newest position in it: credited once settlement has got there. */
  readonly through: Position;
  readonly diamonds: Diamonds;
}

const NOTHING: Credited = { diamonds: 0, through: null };
/** Groups that are kept apart for one creator; above it each two neighbors become one, which is counted as one for longer. */
const SENT_GROUPS_MAX = 64;

/**
 * What creators have earned, never too little by what this process knows: the balance that settlement has written, a
 * moment old at most, and the gifts sent here that are not part of it yet. Between `CREATOR_LIMIT_DIAMONDS` and
 * `CREATOR_DIAMONDS_MAX` is room for 45,000 of the largest gifts, which covers what is under way and what other processes
 * have sent within that moment.
 */
export class CreatorEarnings {
  readonly #credited: AgedReferences<Credited>;
  readonly #sent = new Map<string, Sent>();

  constructor(
    private readonly store: EventStore,
    clock: MonotonicClock,
    private readonly bounds: ReferenceBounds,
  ) {
    const newer = (kept: Credited, read: Credited): Credited =>
      read.through === null || (kept.through !== null && kept.through > read.through) ? kept : read;
    this.#credited = new AgedReferences((creatorId) => this.#read(creatorId), newer, clock, bounds);
  }

  /** Undefined: it must be read first. */
  cached(creatorId: string): Diamonds | undefined {
    const credited = this.#credited.cached(creatorId);
    return credited === undefined ? undefined : credited.diamonds + this.#notCredited(creatorId);
  }

  /** @throws EventStoreError */
  async get(creatorId: string): Promise<Diamonds> {
    const credited = (await this.#credited.get(creatorId)) ?? NOTHING;
    return credited.diamonds + this.#notCredited(creatorId);
  }

  /** A gift that this process has appended. */
  sent(creatorId: string, diamonds: Diamonds, position: Position): void {
    let sent = this.#sent.get(creatorId);
    if (sent === undefined) {
      if (this.#sent.size >= this.bounds.referencesCachedMax) this.#sent.delete(this.#sent.keys().next().value!);
      this.#sent.set(creatorId, (sent = { groups: [], diamonds: 0 }));
    }
    sent.groups.push({ through: position, diamonds });
    sent.diamonds += diamonds;
    if (sent.groups.length > SENT_GROUPS_MAX) sent.groups = inPairs(sent.groups);
  }

  #notCredited(creatorId: string): Diamonds {
    return this.#sent.get(creatorId)?.diamonds ?? 0;
  }

  async #read(creatorId: string): Promise<Credited> {
    const credited = (await newestKnown(this.store, creatorStream(creatorId), creditedAfter)) ?? NOTHING;
    const groups = this.#sent
      .get(creatorId)
      ?.groups.filter(({ through }) => credited.through === null || through > credited.through);
    if (groups === undefined || groups.length === 0) this.#sent.delete(creatorId);
    else this.#sent.set(creatorId, { groups, diamonds: groups.reduce((sum, { diamonds }) => sum + diamonds, 0) });
    return credited;
  }
}

function inPairs(groups: readonly SentGroup[]): SentGroup[] {
  const pairs: SentGroup[] = [];
  for (let at = 0; at < groups.length; at += 2) {
    const first = groups[at]!;
    const second = groups[at + 1];
    if (second === undefined) pairs.push(first);
    else {
      const through = first.through > second.through ? first.through : second.through;
      pairs.push({ through, diamonds: first.diamonds + second.diamonds });
    }
  }
  return pairs;
}

function creditedAfter(event: RecordedEvent): Credited | null {
  if (event.type !== 'DiamondsCredited') return null;
  const { balance, giftPosition } = event.data as DiamondsCredited['data'];
  return { diamonds: balance, through: giftPosition };
}
