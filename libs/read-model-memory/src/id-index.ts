/** A JavaScript Map ends at 16.7 million entries; well before, another is begun. */
const MAP_ENTRIES_MAX = 12_000_000;

/** Numbers ids 0, 1, 2, … in the order in which they come. */
export class IdIndex {
  readonly #ids: string[] = [];
  readonly #maps: Map<string, number>[] = [new Map()];

  get size(): number {
    return this.#ids.length;
  }

  find(id: string): number | undefined {
    for (const map of this.#maps) {
      const index = map.get(id);
      if (index !== undefined) return index;
    }
    return undefined;
  }

  /** The id's number, a new one (`size` before the call) when it had none. */
  intern(id: string): number {
    const known = this.find(id);
    if (known !== undefined) return known;
    let newest = this.#maps.at(-1)!;
    if (newest.size >= MAP_ENTRIES_MAX) this.#maps.push((newest = new Map()));
    const index = this.#ids.push(id) - 1;
    newest.set(id, index);
    return index;
  }

  id(index: number): string {
    return this.#ids[index]!;
  }

  /** All numbers, in code-unit order of their ids. */
  sorted(): number[] {
    return Array.from(this.#ids.keys()).sort((a, b) => (this.#ids[a]! < this.#ids[b]! ? -1 : 1));
  }
}
