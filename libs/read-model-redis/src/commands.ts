/** A script unpacks the words of one command: Lua's stack holds 8,000. A multiple of what belongs together (1 or 2 words). */
const COMMAND_WORDS_MAX = 2_000;

/** Commands for a script, as one text: so the client and Redis handle one argument, not ten thousand. */
export class Commands {
  readonly #commands: (readonly (string | number)[])[] = [];
  readonly #keys = new Set<string>();

  get count(): number {
    return this.#commands.length;
  }

  /** One command, or several when there are many words after the key; none without. */
  add(name: string, key: string, rest: readonly (string | number)[]): void {
    if (rest.length > 0) this.#keys.add(key);
    for (let start = 0; start < rest.length; start += COMMAND_WORDS_MAX) {
      this.#commands.push([name, key, ...rest.slice(start, start + COMMAND_WORDS_MAX)]);
    }
  }

  /**
   * How many keys a script is told of, and which: its own, and on a Redis Cluster those of the commands too. All are in one
   * slot, but a slot that moves stands on two nodes, and only of keys that it is told of does a node see beforehand that it
   * has not all of them. On a single Redis it would only cost.
   */
  besides(own: readonly string[], isCluster: boolean): readonly (string | number)[] {
    const keys = isCluster ? [...new Set([...own, ...this.#keys])] : own;
    return [keys.length, ...keys];
  }

  /** JSON that Lua's decoder takes: numbers must be given as text where they must stay exact, and text must be well formed. */
  get text(): string {
    return JSON.stringify(this.#commands);
  }
}
