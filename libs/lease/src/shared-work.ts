/**
 * A fixed number of parts, spread over the processes of a group; each part is one process's at a time, as far as possible.
 * It saves double work and no more: two processes may believe in the same part for a while, so that whoever writes for a
 * part needs a guard of its own (a checkpoint that must match, an expected revision, a fence).
 */
export interface SharedWork {
  /** Parts are numbered from 0 to this, exclusive. */
  readonly partCount: number;
  /** The parts that are ours now; empty before the first answer. */
  parts(): ReadonlySet<number>;
  /** False before the first answer: that nothing is ours then says nothing of whether everything is looked after. */
  isAgreed(): boolean;
  /** Called after every change of `parts()`. One listener. */
  onChange(listener: (parts: ReadonlySet<number>) => void): void;
  start(): void;
  /** Gives the parts back. */
  stop(): Promise<void>;
}

/** Everything is ours: for one process alone (embedded). */
export function allOfTheWork(partCount: number): SharedWork {
  const all: ReadonlySet<number> = new Set(Array.from({ length: partCount }, (_, part) => part));
  return {
    partCount,
    parts: () => all,
    isAgreed: () => true,
    onChange: () => {},
    start: () => {},
    stop: () => Promise.resolve(),
  };
}
