/** A script unpacks the words of one command: Lua's stack holds 8,000. A multiple of what belongs together (1 or 2 words). */
const COMMAND_WORDS_MAX = 2_000;

/** Commands for a script, as one text: so the client and Redis handle one argument, not ten thousand. */
export class Commands {
  readonly #commands: (readonly (string | number)[])[] = [];

  get count(): number {
    return this.#commands.length;
  }

  /** One command, or several when there are many words after the key; none without. */
  add(name: string, key: string, rest: readonly (string | number)[]): void {
    for (let start = 0; start < rest.length; start += COMMAND_WORDS_MAX) {
      this.#commands.push([name, key, ...rest.slice(start, start + COMMAND_WORDS_MAX)]);
    }
  }

  /** JSON that Lua's decoder takes: numbers must be given as text where they must stay exact, and text must be well formed. */
  get text(): string {
    return JSON.stringify(this.#commands);
  }
}
