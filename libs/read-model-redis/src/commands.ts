/** A script unpacks the words of one command: Lua's stack holds 8,000. A multiple of what belongs together (1 or 2 words). */
const COMMAND_WORDS_MAX = 2_000;

/** Commands in the form in which the scripts take them: the number of words, then the words. */
export class Commands {
  readonly words: (string | number)[] = [];
  #count = 0;

  /** How many answers a script that reads gives. */
  get count(): number {
    return this.#count;
  }

  /** One command, or several when there are many words after the key. */
  add(name: string, key: string, rest: readonly (string | number)[]): void {
    for (let start = 0; start < rest.length; start += COMMAND_WORDS_MAX) {
      const part = rest.length <= COMMAND_WORDS_MAX ? rest : rest.slice(start, start + COMMAND_WORDS_MAX);
      this.words.push(part.length + 2, name, key);
      for (const word of part) this.words.push(word);
      this.#count++;
    }
  }
}
