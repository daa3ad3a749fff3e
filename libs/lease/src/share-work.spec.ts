import { silentTelemetry, type Scheduler } from '@livegift/kernel';
import { InMemoryLeaseService } from '@livegift/testing';
import { membersIn } from './lease-table.js';
import { LeaseError, type Leases } from './leases.js';
import { shareWork, SHARED_WORK_DEFAULTS, type SharedWorkParts } from './share-work.js';
import { allOfTheWork, type SharedWork } from './shared-work.js';

const { leaseMs, renewEveryMs, withoutLeasesMsMax } = SHARED_WORK_DEFAULTS;
const GROUP = 'workers';

/** Time that goes by only when told, for everybody alike. */
class Hours {
  nowMs = 1_000_000;
  readonly clock = { now: () => this.nowMs, elapsedMs: () => this.nowMs };
  #tasks: { atMs: number; run: () => void; of: string }[] = [];

  scheduler(of: string): Scheduler {
    return {
      after: (delayMs, run) => {
        const task = { atMs: this.nowMs + delayMs, run, of };
        this.#tasks.push(task);
        return { cancel: () => void (this.#tasks = this.#tasks.filter((other) => other !== task)) };
      },
    };
  }

  async pass(ms: number): Promise<void> {
    const endMs = this.nowMs + ms;
    for (;;) {
      await settled();
      const next = this.#tasks.filter(({ atMs }) => atMs <= endMs).toSorted((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined) break;
      this.#tasks = this.#tasks.filter((task) => task !== next);
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.run();
    }
    this.nowMs = endMs;
  }

  /** None of its timers ever fires. */
  kill(of: string): void {
    this.#tasks = this.#tasks.filter((task) => task.of !== of);
  }

  get waiting(): number {
    return this.#tasks.length;
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('sharing work by leases', () => {
  let hours: Hours;
  let service: InMemoryLeaseService;
  let isAway: boolean;
  let heard: Map<string, (readonly number[])[]>;

  beforeEach(() => {
    hours = new Hours();
    service = new InMemoryLeaseService(hours.clock);
    isAway = false;
    heard = new Map();
  });

  function leases(): Leases {
    const handle = service.handle();
    const reach = <Answer>(ask: () => Promise<Answer>): Promise<Answer> =>
      isAway ? Promise.reject(new LeaseError('unavailable', 'away')) : ask();
    return {
      read: (group) => reach(() => handle.read(group)),
      replace: (...all) => reach(() => handle.replace(...all)),
      close: () => handle.close(),
    };
  }

  function worker(holder: string, partCount = 6, more: Partial<SharedWorkParts> = {}): SharedWork {
    const { clock } = hours;
    const scheduler = hours.scheduler(holder);
    const given = { leases: leases(), group: GROUP, partCount, holder, clock, scheduler, telemetry: silentTelemetry };
    const work = shareWork({ ...given, ...more });
    heard.set(holder, []);
    work.onChange((parts) => heard.get(holder)!.push([...parts]));
    return work;
  }

  const partsOf = (work: SharedWork): number[] => [...work.parts()];

  it('holds nothing before the first answer, then its share, and says so', async () => {
    const a = worker('a');
    a.start();
    expect([a.isAgreed(), partsOf(a)]).toEqual([false, []]);
    await settled();
    expect([a.isAgreed(), partsOf(a)]).toEqual([true, [0, 1, 2, 3, 4, 5]]);
    const b = worker('b');
    b.start();
    await hours.pass(2 * renewEveryMs);
    expect([partsOf(a), partsOf(b)]).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ]);
    await hours.pass(10 * leaseMs);
    expect(heard).toEqual(
      new Map([
        [
          'a',
          [
            [0, 1, 2, 3, 4, 5],
            [0, 1, 2],
          ],
        ],
        ['b', [[3, 4, 5]]],
      ]),
    );
  });

  it('takes over from one that died, once its lease has ended', async () => {
    const [a, b] = [worker('a'), worker('b')];
    a.start();
    b.start();
    await hours.pass(2 * renewEveryMs);
    hours.kill('a');
    await hours.pass(leaseMs - renewEveryMs - 1);
    expect(partsOf(b)).toEqual([3, 4, 5]);
    await hours.pass(2 * renewEveryMs);
    expect(partsOf(b)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('takes over at the next renewal from one that stopped', async () => {
    const [a, b] = [worker('a', 1), worker('b', 1)];
    a.start();
    await settled();
    b.start();
    await hours.pass(renewEveryMs);
    expect([partsOf(a), partsOf(b)]).toEqual([[0], []]);
    await a.stop();
    expect(partsOf(a)).toEqual([]);
    await hours.pass(renewEveryMs);
    expect(partsOf(b)).toEqual([0]);
    await b.stop();
    expect(membersIn(service.read(GROUP).document!)).toEqual([]);
    expect(hours.waiting).toBe(0);
  });

  it('keeps what it holds while the lease service is away', async () => {
    const [a, b] = [worker('a'), worker('b')];
    a.start();
    b.start();
    await hours.pass(2 * renewEveryMs);
    isAway = true;
    await hours.pass(10 * withoutLeasesMsMax);
    isAway = false;
    await hours.pass(3 * renewEveryMs);
    expect([partsOf(a), partsOf(b)]).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ]);
    expect(heard.get('b')).toEqual([[3, 4, 5]]);
  });

  it('takes everything when it holds nothing and the lease service stays away, and its share when that is back', async () => {
    isAway = true;
    const [a, b] = [worker('a'), worker('b')];
    a.start();
    await hours.pass(withoutLeasesMsMax - 1);
    expect(partsOf(a)).toEqual([]);
    b.start();
    await hours.pass(2 * renewEveryMs);
    expect([partsOf(a), partsOf(b)]).toEqual([[0, 1, 2, 3, 4, 5], []]);
    isAway = false;
    await hours.pass(3 * renewEveryMs);
    expect(partsOf(a)).toHaveLength(3);
    expect([...partsOf(a), ...partsOf(b)].toSorted((x, y) => x - y)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('comes to its share again when the lease service has forgotten everything, or holds rubbish', async () => {
    const [a, b] = [worker('a'), worker('b')];
    a.start();
    b.start();
    await hours.pass(2 * renewEveryMs);
    for (const rubbish of [null, '{', 'null', '[]', '{"members":[{"holder":7}]}']) {
      service.forgetAll();
      if (rubbish !== null) service.replace(GROUP, null, rubbish, 60_000);
      await hours.pass(3 * renewEveryMs);
      expect(partsOf(a)).toHaveLength(3);
      expect([...partsOf(a), ...partsOf(b)].toSorted((x, y) => x - y)).toEqual([0, 1, 2, 3, 4, 5]);
    }
  });

  it('does not mind others that renew at the same time', async () => {
    const works = Array.from({ length: 5 }, (_, index) => worker(`w-${index}`, 12));
    for (const work of works) work.start();
    await hours.pass(4 * renewEveryMs);
    expect(works.flatMap(partsOf).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, part) => part));
    expect(Math.max(...works.map((work) => work.parts().size))).toBe(3);
  });

  it('stops while the lease service is away without waiting for it', async () => {
    const a = worker('a');
    a.start();
    await settled();
    isAway = true;
    await hours.pass(renewEveryMs);
    await a.stop();
    expect(partsOf(a)).toEqual([]);
    expect(hours.waiting).toBe(0);
  });

  it('refuses a number of parts and a holder that are none', () => {
    expect(() => worker('a', 0)).toThrow(/partCount/);
    expect(() => worker('')).toThrow(/holder/);
    expect(() => worker('x'.repeat(101))).toThrow(/holder/);
  });
});

describe('all of the work', () => {
  it('is ours from the beginning to the end', async () => {
    const work = allOfTheWork(3);
    work.start();
    expect([...work.parts()]).toEqual([0, 1, 2]);
    await work.stop();
    expect([...work.parts()]).toEqual([0, 1, 2]);
    expect(work.partCount).toBe(3);
  });
});
