import type { BoardAnswer } from '@livegift/contracts';
import { instant, silentTelemetry, type Position } from '@livegift/kernel';
import { ReadModelError, type ReadModel } from '@livegift/read-model';
import { BOARD_STREAMS_MAX, BoardStreams } from './board-streams.js';
import { BOARD_INTERVAL_MS, PERIOD_ENDS_WITHIN_MS_MAX, PERIOD_SETTLES_MS } from './watched-board.js';
import type { BoardRequest } from './board.queries.js';

const request: BoardRequest = { board: { kind: 'gifters' }, window: 'hour', limit: 10 };

/** Time that only moves when told to; what is due runs in order. */
class ManualTime {
  nowMs = 0;
  /** How far the wall clock was set from the time that has passed. */
  wallAheadMs = 0;
  #due: { atMs: number; task: () => void }[] = [];

  readonly clock = { now: () => this.nowMs + this.wallAheadMs, elapsedMs: () => this.nowMs };
  readonly scheduler = {
    after: (delayMs: number, task: () => void) => {
      const entry = { atMs: this.nowMs + delayMs, task };
      this.#due.push(entry);
      return { cancel: () => void (this.#due = this.#due.filter((one) => one !== entry)) };
    },
  };

  async pass(ms: number): Promise<void> {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs;) {
      this.nowMs += 10;
      const due = this.#due.filter(({ atMs }) => atMs <= this.nowMs);
      this.#due = this.#due.filter(({ atMs }) => atMs > this.nowMs);
      for (const { task } of due) task();
      for (let i = 0; i < 10; i++) await Promise.resolve();
    }
  }
}

const PERIOD_MS = 10_000;

/** A log of gifts, and a read model that has followed it as far as it has. */
class World {
  readonly time = new ManualTime();
  readonly streams: BoardStreams;
  /** When each gift says that it was. */
  readonly gifts: number[] = [];
  /** How many of them the read model lacks. */
  lag = 0;
  /** What the read model and the log move on by without a gift. */
  others = 1;
  reads = 0;
  isAway = false;
  readonly counted: string[] = [];

  constructor() {
    const readModel = {
      partitionCount: 1,
      checkpoint: async () => {
        if (this.isAway) throw new ReadModelError('unavailable', 'away');
        return { storeId: 's', position: this.#position(this.lag) };
      },
    } as unknown as ReadModel;
    this.streams = new BoardStreams({
      boards: { read: async ({ at }) => (this.reads++, this.board(at)) },
      readModel,
      head: async () => this.#position(0),
      clock: this.time.clock,
      scheduler: this.time.scheduler,
      telemetry: { ...silentTelemetry, count: (name) => void this.counted.push(name) },
    });
  }

  gift(atMs = this.time.clock.now()): void {
    this.gifts.push(atMs);
  }

  board(at?: string): BoardAnswer {
    const atMs = at === undefined ? this.time.clock.now() : Date.parse(at);
    const startsAtMs = Math.floor(atMs / PERIOD_MS) * PERIOD_MS;
    const endsAtMs = startsAtMs + PERIOD_MS;
    const known = this.gifts.slice(0, this.gifts.length - this.lag);
    return {
      board: 'gifters',
      window: { name: 'hour', startsAt: instant(startsAtMs), endsAt: instant(endsAtMs), utcOffset: '+00:00' },
      entries: [],
      member: null,
      total: known.filter((gift) => gift >= startsAtMs && gift < endsAtMs).length,
      position: this.#position(this.lag),
    };
  }

  /** What a client sees: which period, how many gifts. */
  watch(over: Partial<BoardRequest> = {}): { atMs: number; period: number; total: number }[] {
    const shown: { atMs: number; period: number; total: number }[] = [];
    this.streams.watch({ ...request, ...over }, this.board(over.at), {
      show: ({ window, total }) =>
        shown.push({ atMs: this.time.nowMs, period: Date.parse(window.startsAt!) / PERIOD_MS, total }),
      end: () => {},
    });
    return shown;
  }

  #position(lag: number): Position {
    return String(this.others + this.gifts.length - lag).padStart(8, '0') as Position;
  }
}

describe('boards that stream themselves', () => {
  let world: World;
  let time: ManualTime;
  let streams: BoardStreams;
  const seen = (shown: readonly { period: number; total: number }[]): string[] =>
    shown.map(({ period, total }) => `${period}: ${total}`);
  const watcher = { show: () => {}, end: () => {} };

  beforeEach(() => {
    world = new World();
    ({ time, streams } = world);
  });

  it('show the board at once, and then only changes', async () => {
    const shown = world.watch();
    expect(seen(shown)).toEqual(['0: 0']);
    await time.pass(2_000);
    expect(shown).toHaveLength(1);
    world.gift();
    await time.pass(1_000);
    expect(seen(shown)).toEqual(['0: 0', '0: 1']);
  });

  it('keep still while the read model moves and the board does not', async () => {
    const shown = world.watch();
    for (let i = 0; i < 20; i++) {
      world.others++;
      await time.pass(100);
    }
    expect(shown).toHaveLength(1);
  });

  it('never show more often than every 250 ms, and end at the last state', async () => {
    const shown = world.watch();
    for (let i = 0; i < 200; i++) {
      world.gift();
      await time.pass(10);
    }
    await time.pass(1_000);
    const gaps = shown.slice(1).map(({ atMs }, i) => atMs - shown[i]!.atMs);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(BOARD_INTERVAL_MS);
    expect(shown.at(-1)!.total).toBe(200);
    expect(shown.length).toBeGreaterThan(5);
  });

  it('ask once for all who watch the same', async () => {
    const all = Array.from({ length: 50 }, () => world.watch());
    await time.pass(300);
    const before = world.reads;
    world.gift();
    await time.pass(300);
    expect(world.reads - before).toBeLessThanOrEqual(2);
    expect(all.map((shown) => shown.length)).toEqual(all.map(() => 2));
  });

  it('are bounded, and make room when somebody leaves', async () => {
    const leave = Array.from({ length: BOARD_STREAMS_MAX }, () => streams.watch(request, world.board(), watcher));
    expect(() => streams.watch(request, world.board(), watcher)).toThrow('too many');
    leave[0]!();
    leave[0]!();
    expect(() => streams.watch(request, world.board(), watcher)).not.toThrow();
    expect(() => streams.watch(request, world.board(), watcher)).toThrow('too many');
  });

  describe('when the period turns', () => {
    it('show the new one, though nothing was given', async () => {
      const shown = world.watch();
      await time.pass(PERIOD_MS + PERIOD_SETTLES_MS + 2 * BOARD_INTERVAL_MS);
      expect(seen(shown)).toEqual(['0: 0', '1: 0']);
    });

    it('first show the final state of the old one, with what entered the log in its last moments', async () => {
      const shown = world.watch();
      await time.pass(PERIOD_MS - 100);
      world.gift();
      await time.pass(90);
      world.gift();
      await time.pass(30);
      // Its append took a while, and the new period has begun meanwhile.
      world.gift(PERIOD_MS - 1);
      world.gift();
      await time.pass(2_000);
      expect(seen(shown).slice(-2)).toEqual(['0: 3', '1: 1']);
    });

    it('wait until the read model has reached what the log holds of it', async () => {
      const shown = world.watch();
      await time.pass(PERIOD_MS - 100);
      for (world.lag = 0; world.lag < 20; world.lag++) world.gift();
      await time.pass(3_000);
      expect(seen(shown)).toEqual(['0: 0']);
      world.lag = 3;
      await time.pass(500);
      expect(seen(shown)).toEqual(['0: 0', '0: 17']);
      world.lag = 0;
      await time.pass(1_000);
      expect(seen(shown)).toEqual(['0: 0', '0: 17', '0: 20', '1: 0']);
    });

    it('do not wait for ever, and count that they gave up', async () => {
      const shown = world.watch();
      await time.pass(PERIOD_MS - 100);
      world.gift();
      world.lag = 1;
      await time.pass(PERIOD_ENDS_WITHIN_MS_MAX + 2_000);
      expect(seen(shown)).toEqual(['0: 0', '1: 0']);
      expect(world.counted).toEqual(['board_stream_periods_unsettled_total']);
    });

    it('show the end of it after the read model was away over the turn', async () => {
      const shown = world.watch();
      await time.pass(PERIOD_MS - 100);
      world.gift();
      world.isAway = true;
      await time.pass(2_000);
      world.isAway = false;
      await time.pass(2_000);
      expect(seen(shown)).toEqual(['0: 0', '0: 1', '1: 0']);
    });

    it('show every client both, whenever it was shown something last, and no newcomer the old one', async () => {
      const early = world.watch();
      await time.pass(PERIOD_MS - 60);
      world.gift();
      await time.pass(50);
      const late = world.watch();
      world.gift();
      await time.pass(20);
      const newcomer = world.watch();
      await time.pass(3_000);
      expect(seen(early).slice(-2)).toEqual(['0: 2', '1: 0']);
      expect(seen(late).slice(-2)).toEqual(['0: 2', '1: 0']);
      expect(seen(newcomer)).toEqual(['1: 0']);
    });

    it('stay with the period that was asked for by its time', async () => {
      const shown = world.watch({ at: instant(5) });
      world.gift();
      await time.pass(3 * PERIOD_MS);
      expect(seen(shown)).toEqual(['0: 0', '0: 1']);
    });
  });

  it('follow a wall clock that is set back to an earlier period, and go on', async () => {
    time.wallAheadMs = 5 * PERIOD_MS;
    const shown = world.watch();
    await time.pass(500);
    time.wallAheadMs = 0;
    await time.pass(500);
    world.gift();
    await time.pass(500);
    expect(seen(shown)).toEqual(['5: 0', '0: 0', '0: 1']);
  });
});
