import { silentTelemetry, type Scheduler } from '@livegift/kernel';
import { addressOf } from './server-address.js';
import { ServerWatch } from './server-watch.js';

/** Timers that run when the spec lets their time come. */
class HandDriven implements Scheduler {
  nowMs = 0;
  #timers: { readonly atMs: number; readonly task: () => void }[] = [];

  after(delayMs: number, task: () => void): { cancel(): void } {
    const timer = { atMs: this.nowMs + delayMs, task };
    this.#timers.push(timer);
    return { cancel: () => (this.#timers = this.#timers.filter((other) => other !== timer)) };
  }

  async pass(ms: number): Promise<void> {
    for (const end = this.nowMs + ms; this.nowMs < end;) {
      this.nowMs += 100;
      const due = this.#timers.filter(({ atMs }) => atMs <= this.nowMs);
      this.#timers = this.#timers.filter(({ atMs }) => atMs > this.nowMs);
      for (const { task } of due) task();
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    }
  }
}

describe('a watched server', () => {
  let scheduler: HandDriven;
  let lines: string[];
  let reply: () => Promise<unknown>;
  let watch: ServerWatch;

  beforeEach(() => {
    scheduler = new HandDriven();
    lines = [];
    reply = () => Promise.resolve('here');
    const write = (message: string, fields?: object): void => void lines.push(`${message} ${JSON.stringify(fields)}`);
    watch = new ServerWatch(
      { name: 'event-store', at: 'es:2113', ask: () => reply() },
      {
        clock: { now: () => 1_800_000_000_000 + scheduler.nowMs, elapsedMs: () => scheduler.nowMs },
        scheduler,
        telemetry: { ...silentTelemetry, info: write, warn: write, error: write },
      },
    );
    watch.start();
  });

  it('is shown with its address and since when it is available', async () => {
    await scheduler.pass(10_000);
    expect(await watch.isReady()).toBe(true);
    expect(watch.facts()).toEqual({ server: 'es:2113', since: '2027-01-15T08:00:00.000Z' });
    expect(lines).toEqual([]);
  });

  it('is shown with the reason while it refuses, and said once, not at each question', async () => {
    await scheduler.pass(10_000);
    reply = () => Promise.reject(new Error('connection refused'));
    await scheduler.pass(600_000);
    expect(await watch.isReady()).toBe(false);
    expect(watch.reason()).toBe('connection refused');
    expect(watch.facts()['since']).toMatch(/^2027-01-15T08:00:1\d/);
    expect(lines.length).toBeLessThan(12);
    expect(lines[0]).toMatch(
      /^event-store is not available \{"server":"es:2113","reason":"connection refused","since"/,
    );
    const told = lines.length;
    reply = () => Promise.resolve('here');
    await scheduler.pass(10_000);
    expect(lines.slice(told)).toEqual([expect.stringMatching(/^event-store is available again .*"awaySeconds":60\d/)]);
  });

  it('is away when it says nothing, and nobody waits for it longer than a second', async () => {
    await scheduler.pass(3_000);
    reply = () => new Promise(() => {});
    const asked = watch.isReady();
    await scheduler.pass(1_000);
    expect(await asked).toBe(false);
    expect(watch.reason()).toBe('no answer within 1000 ms');
  });

  it('asks no more once it is stopped', async () => {
    watch.stop();
    let questions = 0;
    reply = async () => questions++;
    await scheduler.pass(60_000);
    expect(questions).toBe(0);
  });
});

describe('the address of a server', () => {
  it.each([
    ['esdb://admin:changeit@one:2113,two:2113?tls=false', 'one:2113,two:2113'],
    ['esdb+discover://cluster.example:2113', 'cluster.example:2113'],
    ['redis://:pass%40word@cache:6379/2', 'cache:6379'],
    ['rediss://u:p@[::1]:6379', '[::1]:6379'],
  ])('of %s is %s', (url, address) => {
    expect(addressOf(url)).toBe(address);
  });
});
