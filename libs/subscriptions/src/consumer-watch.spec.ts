import { silentTelemetry, type Position, type Scheduler } from '@livegift/kernel';
import type { ConsumerReport } from './consumer-report.js';
import { ConsumerWatch } from './consumer-watch.js';

const at = (place: number): Position => String(place).padStart(16, '0') as Position;

/** A consumer whose report, source and time the spec decides. */
class Watched {
  nowMs = 0;
  /** Of the wall clock alone. */
  setBackMs = 0;
  report: ConsumerReport = { activity: 'working', position: null, recordedAtMs: null, failing: null };
  source: Position | null | Error | 'silent' = null;
  readonly lines: { readonly level: string; readonly message: string; readonly fields: Record<string, unknown> }[] = [];
  readonly watch: ConsumerWatch;
  #next: (() => void) | null = null;

  constructor() {
    const scheduler: Scheduler = {
      after: (_delayMs, task) => {
        this.#next = task;
        return { cancel: () => (this.#next = null) };
      },
    };
    const line =
      (level: string) =>
      (message: string, fields: Record<string, unknown> = {}): void =>
        void this.lines.push({ level, message, fields });
    this.watch = new ConsumerWatch({
      name: 'settlement',
      source: 'event-store',
      report: () => this.report,
      head: () => {
        if (this.source === 'silent') return new Promise(() => {});
        return this.source instanceof Error ? Promise.reject(this.source) : Promise.resolve(this.source);
      },
      stallMsMax: 15_000,
      clock: { now: () => 1_800_000_000_000 + this.nowMs - this.setBackMs, elapsedMs: () => this.nowMs },
      scheduler,
      telemetry: { ...silentTelemetry, warn: line('warn'), error: line('error'), info: line('info') },
    });
  }

  is(report: Partial<ConsumerReport>): void {
    this.report = { ...this.report, ...report };
  }

  /** Seconds pass, with a look in each; the source answers before the next. */
  async pass(seconds: number): Promise<void> {
    this.watch.start();
    for (let second = 0; second < seconds; second++) {
      this.nowMs += 1_000;
      this.#next?.();
      for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    }
  }

  get condition(): string {
    return this.watch.progress().condition;
  }
}

describe('a watched consumer', () => {
  it('is ready while it has done everything, however long nothing happens', async () => {
    const watched = new Watched();
    watched.source = at(7);
    watched.is({ position: at(7) });
    await watched.pass(600);
    expect(watched.watch.isReady()).toBe(true);
    expect(watched.watch.progress()).toMatchObject({ condition: 'running', lagSeconds: 0, head: at(7), reason: null });
    expect(watched.lines).toEqual([]);
  });

  it('is ready while it moves, however far behind it is', async () => {
    const watched = new Watched();
    watched.source = at(1_000_000);
    for (let place = 1; place < 100; place++) {
      watched.is({ position: at(place), recordedAtMs: 1_800_000_000_000 - 3_600_000 });
      await watched.pass(1);
    }
    expect(watched.condition).toBe('running');
    expect(watched.watch.progress().lagSeconds).toBeGreaterThanOrEqual(3_600);
  });

  it('is stalled when there is more and it does not move, and says why', async () => {
    const watched = new Watched();
    watched.source = at(8);
    watched.is({ position: at(7), failing: 'Redis: OOM command not allowed' });
    await watched.pass(14);
    expect(watched.condition).toBe('waiting');
    expect(watched.watch.isReady()).toBe(true);
    expect(watched.watch.facts()).toMatchObject({
      condition: 'waiting',
      waitsBecause: 'Redis: OOM command not allowed',
    });
    await watched.pass(2);
    expect(watched.watch.isReady()).toBe(false);
    expect(watched.watch.reason()).toMatch(/^no progress for 1\d s: Redis: OOM command not allowed$/);
  });

  it('is stalled when its loop hangs without any failure', async () => {
    const watched = new Watched();
    watched.source = at(8);
    watched.is({ position: at(7) });
    await watched.pass(20);
    expect(watched.watch.reason()).toMatch(/the event-store has more than was done/);
  });

  it.each([
    ['refuses', new Error('127.0.0.1:2113: connection refused')],
    ['says nothing', 'silent' as const],
  ])('is stalled when its source %s, because it cannot know', async (_how, source) => {
    const watched = new Watched();
    watched.source = at(7);
    watched.is({ position: at(7) });
    await watched.pass(3);
    watched.source = source;
    await watched.pass(16);
    expect(watched.condition).toBe('stalled');
    watched.source = at(7);
    if (source !== 'silent') {
      await watched.pass(1);
      expect(watched.watch.isReady()).toBe(true);
    }
  });

  it('may do its work again once, but not the same events for ever', async () => {
    const watched = new Watched();
    watched.source = at(1_000);
    const passThrough = async (first: number, last: number): Promise<void> => {
      for (let place = first; place <= last; place++) {
        watched.is({ position: at(place) });
        await watched.pass(1);
      }
    };
    await passThrough(1, 30);
    await passThrough(1, 30);
    expect(watched.condition).toBe('running');
    await passThrough(1, 30);
    expect(watched.condition).toBe('stalled');
    await passThrough(31, 31);
    expect(watched.condition).toBe('running');
  });

  it('becomes ready again by itself, and logs the stall and its end, not each second of it', async () => {
    const watched = new Watched();
    watched.source = at(8);
    watched.is({ position: at(7) });
    await watched.pass(15 + 3_600);
    const told = watched.lines.length;
    expect(told).toBeGreaterThan(5);
    expect(told).toBeLessThan(15);
    expect(watched.lines[0]).toMatchObject({ level: 'error', message: 'settlement: makes no progress' });
    expect(watched.lines[0]!.fields).toMatchObject({ position: at(7), head: at(8), source: 'event-store' });
    watched.is({ position: at(8) });
    await watched.pass(1);
    expect(watched.watch.isReady()).toBe(true);
    expect(watched.lines.slice(told)).toMatchObject([{ level: 'info', message: 'settlement: makes progress again' }]);
    await watched.pass(60);
    expect(watched.lines).toHaveLength(told + 1);
  });

  it('is ready while another process has the work, unless the source is away', async () => {
    const watched = new Watched();
    watched.source = at(8);
    watched.is({ activity: 'standing-by' });
    await watched.pass(60);
    expect(watched.watch.progress()).toMatchObject({ condition: 'standing-by', lagSeconds: 0 });
    watched.source = new Error('away');
    await watched.pass(20);
    expect(watched.condition).toBe('stalled');
  });

  it('is not ready at once when it has refused', async () => {
    const watched = new Watched();
    watched.is({ activity: 'refused', failing: 'the checkpoint is of another store' });
    await watched.pass(1);
    expect(watched.watch.isReady()).toBe(false);
    expect(watched.watch.reason()).toBe('the checkpoint is of another store');
  });

  it('measures with a clock that nobody sets', async () => {
    const watched = new Watched();
    watched.source = at(7);
    watched.is({ position: at(7) });
    await watched.pass(2);
    watched.setBackMs = -3_600_000;
    await watched.pass(2);
    expect(watched.condition).toBe('running');
  });
});
