import { detached } from './detached.js';

/** A JavaScript Map ends at 16.7 million entries; well before, another is begun. */
const MAP_ENTRIES_MAX = 12_000_000;

/** Numbers ids 0, 1, 2, … in the order in which they come. */
export class IdIndex {
  readonly #ids: string[] = [];
  readonly #first = new Map<string, number>();
  readonly #further: Map<string, number>[] = [];

  get size(): number {
    return this.#ids.length;
  }

  find(id: string): number | undefined {
    const index = this.#first.get(id);
    return index !== undefined || this.#further.length === 0 ? index : this.#findFurther(id);
  }

  /** The id's number, a new one (`size` before the call) when it had none. */
  intern(id: string): number {
    const known = this.find(id);
    if (known !== undefined) return known;
    let newest = this.#further.at(-1) ?? this.#first;
    if (newest.size >= MAP_ENTRIES_MAX) this.#further.push((newest = new Map()));
    const own = detached(id);
    const index = this.#ids.push(own) - 1;
    newest.set(own, index);
    return index;
  }

  id(index: number): string {
    return this.#ids[index]!;
  }

  /** All, by number. */
  get ids(): readonly string[] {
    return this.#ids;
  }

  /** All numbers, in code-unit order of their ids. */
  sorted(): number[] {
    return Array.from(this.#ids.keys()).sort((a, b) => (this.#ids[a]! < this.#ids[b]! ? -1 : 1));
  }

  #findFurther(id: string): number | undefined {
    for (const map of this.#further) {
      const index = map.get(id);
      if (index !== undefined) return index;
    }
    return undefined;
  }
}
