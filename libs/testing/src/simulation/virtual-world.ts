import type { Cancellable } from '@livegift/kernel';
import type { SeededRandom } from './seeded-random.js';
import { Trace } from './trace.js';

/** Runs `task` in a turn of its own, after every promise that is settled now: `setImmediate`. */
export type NextTurn = (task: () => void) => unknown;

/** Turns asked for at once: Node settles promises between two of them, and one round of its loop serves them all. */
const TURNS_AT_ONCE = 32;

interface Task {
  readonly atMs: number;
  readonly sequence: number;
  readonly label: string;
  run: (() => void) | null;
}

/** The world ran on for longer, or for more steps, than a run may. */
export class WorldStuck extends Error {
  override readonly name = 'WorldStuck';
}

/**
 * One thread, a clock that stands still while something runs, and a queue of tasks in order of virtual time. All
 * simulated I/O takes a time drawn from the seed, so the seed decides what happens before what. Between two tasks all
 * settled promises run to quiescence.
 */
export class VirtualWorld {
  readonly #heap: Task[] = [];
  #nowMs: number;
  #sequence = 0;
  #steps = 0;
  #drivenBy: 'run' | 'itself' | null = null;

  constructor(
    readonly random: SeededRandom,
    startMs: number,
    private readonly nextTurn: NextTurn,
    readonly trace = new Trace(),
  ) {
    this.#nowMs = startMs;
  }

  /** Milliseconds since 1970, with a fraction. */
  get nowMs(): number {
    return this.#nowMs;
  }

  get steps(): number {
    return this.#steps;
  }

  schedule(delayMs: number, label: string, run: () => void): Cancellable {
    return this.scheduleAt(this.#nowMs + delayMs, label, run);
  }

  /** At `atMs` of virtual time; tasks of one moment run in the order in which they were scheduled. */
  scheduleAt(atMs: number, label: string, run: () => void): Cancellable {
    const task: Task = { atMs: atMs < this.#nowMs ? this.#nowMs : atMs, sequence: this.#sequence++, label, run };
    push(this.#heap, task);
    return {
      cancel: () => {
        task.run = null;
      },
    };
  }

  /**
   * Runs tasks until `done` says so (asked between tasks).
   * @throws WorldStuck when there is nothing left to run, or `untilMs` or `stepsMax` is reached first
   */
  run(done: () => boolean, limits: { readonly untilMs: number; readonly stepsMax: number }): Promise<void> {
    const stepsMax = this.#steps + limits.stepsMax;
    this.#drivenBy = 'run';
    return new Promise((resolve, reject) => {
      let over = false;
      const end = (failure?: Error): void => {
        over = true;
        this.#drivenBy = null;
        if (failure) reject(failure);
        else resolve();
      };
      const turn = (last: boolean): void => {
        if (over) return;
        try {
          if (done()) return end();
          if (this.#heap.length === 0) return end(new WorldStuck('nothing is left to happen'));
          if (this.#heap[0]!.atMs > limits.untilMs) return end(new WorldStuck('not done in its time'));
          if (this.#steps >= stepsMax) return end(new WorldStuck(`not done in ${limits.stepsMax} steps`));
          this.#step();
        } catch (failure) {
          return end(failure as Error);
        }
        if (last) turns();
      };
      const turns = (): void => {
        for (let i = 1; i <= TURNS_AT_ONCE; i++) this.nextTurn(() => turn(i === TURNS_AT_ONCE));
      };
      turns();
    });
  }

  /** From now on tasks run as soon as there are any, for code that awaits the world's I/O in its own time. */
  runByItself(): void {
    this.#drivenBy = 'itself';
    const turn = (): void => {
      if (this.#drivenBy !== 'itself') return;
      if (this.#heap.length > 0) this.#step();
      this.nextTurn(turn);
    };
    this.nextTurn(turn);
  }

  /** Ends `runByItself`. */
  stop(): void {
    this.#drivenBy = null;
  }

  #step(): void {
    const task = pop(this.#heap);
    const { run } = task;
    if (run === null) return;
    this.#steps++;
    this.#nowMs = task.atMs;
    this.trace.add(`${(task.atMs % 1e8).toFixed(3)} ${task.label}`);
    task.run = null;
    run();
  }
}

const before = (a: Task, b: Task): boolean => (a.atMs === b.atMs ? a.sequence < b.sequence : a.atMs < b.atMs);

function push(heap: Task[], task: Task): void {
  let index = heap.push(task) - 1;
  while (index > 0) {
    const parent = (index - 1) >> 1;
    if (!before(task, heap[parent]!)) break;
    heap[index] = heap[parent]!;
    index = parent;
  }
  heap[index] = task;
}

function pop(heap: Task[]): Task {
  const top = heap[0]!;
  const last = heap.pop()!;
  if (heap.length === 0) return top;
  let index = 0;
  for (;;) {
    const left = 2 * index + 1;
    if (left >= heap.length) break;
    const right = left + 1;
    const child = right < heap.length && before(heap[right]!, heap[left]!) ? right : left;
    if (!before(heap[child]!, last)) break;
    heap[index] = heap[child]!;
    index = child;
  }
  heap[index] = last;
  return top;
}
