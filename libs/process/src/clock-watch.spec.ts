import { silentTelemetry, type Cancellable, type Clocks, type Scheduler } from '@livegift/kernel';
import { ClockWatch, type TimeReference } from './clock-watch.js';

const START_MS = Date.UTC(2026, 2, 1, 12);
const HOUR_MS = 3_600_000;

/** Time that passes by hand, and a wall clock that can be set beside it. */
class HandTime implements Clocks, Scheduler {
  passedMs = 0;
  wallAheadMs = 0;
  #tasks: { dueMs: number; run: () => void }[] = [];

  now(): number {
    return START_MS + this.passedMs + this.wallAheadMs;
  }

  elapsedMs(): number {
    return this.passedMs;
  }

  after(delayMs: number, run: () => void): Cancellable {
    const task = { dueMs: this.passedMs + delayMs, run };
    this.#tasks.push(task);
    return { cancel: () => void (this.#tasks = this.#tasks.filter((other) => other !== task)) };
  }

  get pending(): number {
    return this.#tasks.length;
  }

  async pass(ms: number): Promise<void> {
    const untilMs = this.passedMs + ms;
    for (;;) {
      await settled();
      const next = this.#tasks.toSorted((a, b) => a.dueMs - b.dueMs)[0];
      if (next === undefined || next.dueMs > untilMs) break;
      this.#tasks = this.#tasks.filter((task) => task !== next);
      this.passedMs = next.dueMs;
      next.run();
    }
    this.passedMs = untilMs;
    await settled();
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the watch over the wall clock', () => {
  let time: HandTime;
  let said: string[];
  let counted: Record<string, number>;
  let gauges: Record<string, number>;
  let watches: ClockWatch[];

  beforeEach(() => {
    time = new HandTime();
    [said, counted, gauges, watches] = [[], {}, {}, []];
  });
  afterEach(() => watches.forEach((watch) => watch.stop()));

  async function watch(...references: TimeReference[]): Promise<ClockWatch> {
    const telemetry = {
      ...silentTelemetry,
      count: (name: string) => void (counted[name] = (counted[name] ?? 0) + 1),
      gauge: (name: string, value: number) => void (gauges[name] = value),
      info: (message: string) => void said.push(message),
      warn: (message: string) => void said.push(message),
    };
    const made = new ClockWatch({ references, clock: time, scheduler: time, telemetry, clockSkewMsMax: 10_000 });
    watches.push(made);
    await made.start();
    return made;
  }
  const redis = (aheadMs = 0): TimeReference => ({
    name: 'redis',
    kind: 'clock',
    nowMs: async () => START_MS + time.passedMs + aheadMs,
  });
  const newestEvent = (atMs: number | null): TimeReference => ({
    name: 'the newest event',
    kind: 'past',
    nowMs: async () => atMs,
  });

  it.each([
    ['ahead of', -10_001],
    ['behind', 10_001],
  ])('refuses while the clock is more than the maximum %s that of others', async (way, othersAheadMs) => {
    const watched = await watch(redis(othersAheadMs));
    expect(watched.refusal()).toBe(`the clock of this process is 10.0 s ${way} redis`);
    expect([watched.isReady(), watched.reason()]).toEqual([false, watched.refusal()]);
    expect(said).toEqual([`${watched.refusal()}: commands are refused until the clocks agree`]);
  });

  it.each([-10_000, 0, 10_000])('lets %s ms of difference pass', async (othersAheadMs) => {
    expect((await watch(redis(othersAheadMs))).refusal()).toBeNull();
  });

  it('warns once and counts at each look from 2 s on, and says when it is over', async () => {
    let aheadMs = 1_999;
    await watch({ name: 'redis', kind: 'clock', nowMs: async () => START_MS + time.passedMs - aheadMs });
    expect([said, counted['clock_skews_seen_total']]).toEqual([[], undefined]);
    aheadMs = 2_000;
    await time.pass(10_000);
    expect(said).toEqual(['the clock of this process is 2.0 s ahead of redis: check the time service']);
    expect(counted['clock_skews_seen_total']).toBe(2);
    expect(gauges['clock_skew_seconds']).toBe(2);
    aheadMs = 0;
    await time.pass(5_000);
    expect(said.at(-1)).toBe('the clock of this process is right again');
  });

  it.each([-HOUR_MS, HOUR_MS])(
    'notices at once, not at the next look, that the clock was set by %s ms',
    async (byMs) => {
      const watched = await watch(redis());
      time.wallAheadMs = byMs;
      expect(watched.refusal()).not.toBeNull();
      time.wallAheadMs = 0;
      expect(watched.refusal()).toBeNull();
    },
  );

  it('refuses behind the newest event, and never because that is long ago', async () => {
    expect((await watch(newestEvent(START_MS - 365 * 24 * HOUR_MS))).refusal()).toBeNull();
    const watched = await watch(newestEvent(START_MS));
    expect(watched.refusal()).toBeNull();
    time.wallAheadMs = -HOUR_MS;
    expect(watched.refusal()).toBe('the clock of this process is 3600.0 s behind the newest event');
  });

  it('refuses behind what this process has recorded, without asking anybody', async () => {
    const watched = await watch();
    time.wallAheadMs = -HOUR_MS;
    expect(watched.refusal()).toBeNull();
    time.wallAheadMs = 0;
    expect(watched.admit()).toBeNull();
    time.wallAheadMs = -HOUR_MS;
    expect(watched.admit()).toBe('the clock of this process is 3600.0 s behind what it has recorded');
    await time.pass(HOUR_MS - 10_001);
    expect(watched.refusal()).not.toBeNull();
    await time.pass(1);
    expect(watched.admit()).toBeNull();
  });

  it('goes on by itself when the time has come', async () => {
    const watched = await watch(newestEvent(START_MS + 12_000));
    expect(watched.refusal()).not.toBeNull();
    await time.pass(5_000);
    expect(watched.refusal()).toBeNull();
  });

  it('has nothing to say of an empty log, or of others that do not answer', async () => {
    const watched = await watch(newestEvent(null), {
      name: 'redis',
      kind: 'clock',
      nowMs: () => Promise.reject(new Error('away')),
    });
    expect([watched.skew(), watched.refusal(), said]).toEqual([null, null, []]);
  });

  it('believes no answer that took too long, and waits for none', async () => {
    const late: TimeReference = {
      name: 'redis',
      kind: 'clock',
      nowMs: () => new Promise((resolve) => time.after(1_500, () => resolve(START_MS - HOUR_MS))),
    };
    const starting = watch(late);
    await time.pass(2_000);
    expect((await starting).refusal()).toBeNull();
  });

  it('keeps what others said while they do not answer', async () => {
    let isAway = false;
    const watched = await watch({
      name: 'redis',
      kind: 'clock',
      nowMs: async () => (isAway ? Promise.reject(new Error('away')) : START_MS + time.passedMs),
    });
    isAway = true;
    await time.pass(20_000);
    expect(watched.refusal()).toBeNull();
    time.wallAheadMs = HOUR_MS;
    expect(watched.refusal()).not.toBeNull();
  });

  it('counts a clock that is set, also where there is nothing to compare with, and refuses nothing for it', async () => {
    const watched = await watch();
    time.wallAheadMs = HOUR_MS;
    await time.pass(10_000);
    expect([watched.refusal(), counted['clock_steps_total']]).toEqual([null, 1]);
    expect(said).toEqual(['the wall clock was set, or the machine was suspended']);
  });

  it('leaves nothing to wake up when it stops', async () => {
    (await watch(redis())).stop();
    expect(time.pending).toBe(0);
  });
});
