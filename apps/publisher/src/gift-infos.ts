import type { CatalogueEvent } from '@livegift/domain';
import type { Position, RecordedEvent } from '@livegift/kernel';
import { CATALOGUE_STREAM } from '@livegift/domain';
import type { EventReader } from '@livegift/event-store';

export interface GiftInfo {
  readonly title: string;
  readonly icon: string;
}

const ICON_UNKNOWN = '🎁';
const PAGE_EVENTS = 500;

/** Title and icon of each gift as the catalogue had them at the place in the log that was read so far. */
export class GiftInfos {
  readonly #infos = new Map<string, GiftInfo>();

  /** Folds the catalogue up to and with `through`. */
  static async at(events: EventReader, through: Position | null): Promise<GiftInfos> {
    const infos = new GiftInfos();
    if (through === null) return infos;
    let from = 0;
    for (;;) {
      const page = await events.readStream(CATALOGUE_STREAM, { from, limit: PAGE_EVENTS });
      for (const event of page) {
        if (event.position > through) return infos;
        infos.evolve(event);
      }
      if (page.length < PAGE_EVENTS) return infos;
      from = page.at(-1)!.revision + 1;
    }
  }

  /** A retired gift keeps its looks: one that was sent before is still to be shown. */
  evolve(event: Pick<RecordedEvent, 'type' | 'data'>): void {
    if (event.type !== 'GiftListed') return;
    const { name, title, icon } = event.data as Extract<CatalogueEvent, { type: 'GiftListed' }>['data'];
    this.#infos.set(name, { title, icon });
  }

  of(gift: string): GiftInfo {
    return this.#infos.get(gift) ?? { title: gift, icon: ICON_UNKNOWN };
  }
}
