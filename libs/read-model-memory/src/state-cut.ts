import { CELLS_PER_CHUNK } from './cell-table.js';
import { VIEWERS_PER_CHUNK } from './viewer-table.js';

/** What a state consists of, in this order. */
export const SECTION_KINDS = ['viewers', 'creators', 'rooms', 'cells'] as const;
export type SectionKind = (typeof SECTION_KINDS)[number];

/** How many of each there are. */
export type StateSizes = Readonly<Record<SectionKind, number>>;

/** How many of each make a section: few enough that writing one down takes about a millisecond. */
export const SECTION_SIZES: StateSizes = {
  viewers: VIEWERS_PER_CHUNK,
  creators: 256,
  rooms: 16,
  cells: CELLS_PER_CHUNK,
};

/** Called once for each section, before anything in it changes. */
export type TakeSection = (kind: SectionKind, index: number) => void;

export const sectionCount = (sizes: StateSizes, kind: SectionKind): number =>
  Math.ceil(sizes[kind] / SECTION_SIZES[kind]);

/** How many there are in a section: the last one of its kind may be short. */
export const sectionLength = (sizes: StateSizes, kind: SectionKind, index: number): number =>
  Math.min(SECTION_SIZES[kind], sizes[kind] - index * SECTION_SIZES[kind]);

/**
 * A state as it is now, of these sizes, to be written down section by section while it goes on changing: a section that is about to change
 * is taken first. What comes to be later belongs to no section.
 */
export class StateCut {
  readonly #taken: Readonly<Record<SectionKind, Uint8Array>>;

  constructor(
    readonly sizes: StateSizes,
    private readonly take: TakeSection,
  ) {
    const none = (kind: SectionKind): Uint8Array => new Uint8Array(sectionCount(sizes, kind));
    this.#taken = { viewers: none('viewers'), creators: none('creators'), rooms: none('rooms'), cells: none('cells') };
  }

  beforeViewer(viewer: number): void {
    this.#before('viewers', viewer);
  }
  beforeCreator(creator: number): void {
    this.#before('creators', creator);
  }
  beforeRoom(room: number): void {
    this.#before('rooms', room);
  }
  beforeCell(cell: number): void {
    this.#before('cells', cell);
  }

  /** Takes what is left, one section a step. */
  *rest(): Generator<void> {
    for (const kind of SECTION_KINDS) {
      for (let index = 0; index < this.#taken[kind].length; index++) {
        if (this.#taken[kind][index] !== 0) continue;
        this.#takeNow(kind, index);
        yield;
      }
    }
  }

  #before(kind: SectionKind, number: number): void {
    if (number >= this.sizes[kind]) return;
    const index = Math.floor(number / SECTION_SIZES[kind]);
    if (this.#taken[kind][index] === 0) this.#takeNow(kind, index);
  }

  #takeNow(kind: SectionKind, index: number): void {
    this.#taken[kind][index] = 1;
    this.take(kind, index);
  }
}
