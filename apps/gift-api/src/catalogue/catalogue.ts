import { isConflict } from '@livegift/command-handling';
import {
  CATALOGUE_STREAM,
  catalogueDecider,
  DEFAULT_CATALOGUE,
  giftListed,
  type CatalogueEvent,
  type CatalogueState,
  type GiftOnList,
} from '@livegift/domain';
import type { EventStore } from '@livegift/event-store';
import { instant, type Clocks, type Ids, type NewEvent } from '@livegift/kernel';

const PAGE_EVENTS = 500;

/** What can be sent, and for how much: at most `referenceStalenessMs` old. */
export class Catalogue {
  #state: CatalogueState = catalogueDecider.initialState;
  #byName: ReadonlyMap<string, GiftOnList> = new Map();
  #readAtMs = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | null = null;

  constructor(
    private readonly store: EventStore,
    private readonly clock: Clocks,
    private readonly ids: Ids,
    private readonly bounds: { readonly referenceStalenessMs: number },
  ) {}

  /** The gifts on offer, in the order of their listing. @throws EventStoreError */
  async gifts(): Promise<readonly GiftOnList[]> {
    if (!this.isFresh()) await this.refresh();
    return this.#state.gifts;
  }

  /** True when `gift` may be asked. One that is half through its time is read again behind its users' backs. */
  isFresh(): boolean {
    const ageMs = this.clock.elapsedMs() - this.#readAtMs;
    if (ageMs > this.bounds.referenceStalenessMs) return false;
    if (ageMs * 2 > this.bounds.referenceStalenessMs && this.#reading === null) void this.refresh().catch(() => {});
    return true;
  }

  /** As it was read last. */
  gift(name: string): GiftOnList | undefined {
    return this.#byName.get(name);
  }

  /** Reads what is new. Those who ask at once share one read. @throws EventStoreError */
  refresh(): Promise<void> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  /** Lists the default gifts if nobody has listed any. Of two who try, one is too late, which is as good. @throws EventStoreError */
  async listDefaults(): Promise<void> {
    await this.refresh();
    if (this.#state.nextRevision === 0) {
      try {
        await this.store.append(CATALOGUE_STREAM, this.#defaults(), 'no-stream');
      } catch (failure) {
        if (!isConflict(failure)) throw failure;
      }
    }
    await this.refresh();
  }

  #defaults(): readonly NewEvent[] {
    const now = instant(this.clock.now());
    const correlationId = this.ids.uuid();
    return DEFAULT_CATALOGUE.map((gift) => ({
      ...giftListed(gift, now),
      id: this.ids.uuid(),
      metadata: { $correlationId: correlationId, $causationId: correlationId, recordedAt: now },
    }));
  }

  async #read(): Promise<void> {
    const askedAtMs = this.clock.elapsedMs();
    for (;;) {
      const from = this.#state.nextRevision;
      const page = await this.store.readStream(CATALOGUE_STREAM, { from, limit: PAGE_EVENTS });
      let state = this.#state;
      for (const event of page) state = catalogueDecider.evolve(state, event as unknown as CatalogueEvent);
      if (page.length > 0) {
        this.#state = state;
        this.#byName = new Map(state.gifts.map((gift) => [gift.name, gift]));
      }
      if (page.length < PAGE_EVENTS) break;
    }
    this.#readAtMs = askedAtMs;
  }
}
