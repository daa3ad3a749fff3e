/** Where one process of a service listens. */
export interface Backend {
  readonly host: string;
  readonly port: number;
}

/** The processes of a service, each first in turn. */
export class Backends {
  #turn = 0;

  constructor(private readonly all: () => readonly Backend[]) {}

  /** All of them: whoever cannot reach the first goes on to the next. */
  inTurn(): readonly Backend[] {
    const all = this.all();
    if (all.length === 0) return all;
    const first = this.#turn++ % all.length;
    return [...all.slice(first), ...all.slice(0, first)];
  }
}
