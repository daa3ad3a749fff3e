import { silentTelemetry } from '@livegift/kernel';
import { Lanes } from './lanes.js';

interface Job {
  readonly name: string;
}

/** Lanes whose batches end when the spec says so. */
function newLanes(bounds: { queueLengthMax?: number; queuedTotalMax?: number; batchMax?: number } = {}) {
  const ran: string[] = [];
  const running: (() => void)[] = [];
  const lanes = new Lanes<Job>({
    queueLengthMax: 100,
    queuedTotalMax: 1_000,
    batchMax: 10,
    ...bounds,
    telemetry: silentTelemetry,
    run: (stream, jobs) => {
      ran.push(`${stream}: ${jobs.map(({ name }) => name).join(' ')}`);
      return new Promise((resolve) => running.push(resolve));
    },
  });
  return { lanes, ran, finish: () => running.shift()?.() };
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a lane', () => {
  it('runs what waits together, up to the bound, one batch at a time', async () => {
    const { lanes, ran, finish } = newLanes({ batchMax: 2 });
    for (const name of ['1', '2', '3']) lanes.push('a', { name });
    lanes.push('b', { name: '4' });
    await settle();
    expect(ran).toEqual(['a: 1 2', 'b: 4']);
    lanes.push('a', { name: '5' });
    finish();
    await settle();
    expect(ran).toEqual(['a: 1 2', 'b: 4', 'a: 3 5']);
  });

  it('keeps the order of coming between jobs and those who want it alone', async () => {
    const { lanes, ran, finish } = newLanes();
    lanes.push('a', { name: '1' });
    const alone = lanes.exclusive(['a'], async () => void ran.push('alone'));
    lanes.push('a', { name: '2' });
    await settle();
    expect(ran).toEqual(['a: 1']);
    finish();
    await alone;
    await settle();
    expect(ran).toEqual(['a: 1', 'alone', 'a: 2']);
  });

  it('is free again after work that threw', async () => {
    const { lanes } = newLanes();
    await expect(lanes.exclusive(['a', 'b'], () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await expect(lanes.exclusive(['b', 'a'], async () => 1)).resolves.toBe(1);
    await lanes.drained();
  });
});

describe('lanes taken together', () => {
  it('never make two wait for each other', async () => {
    const { lanes } = newLanes();
    const names = ['a', 'b', 'c', 'd'];
    let inside = 0;
    const work = async (): Promise<void> => {
      expect(++inside).toBe(1);
      await settle();
      inside--;
    };
    const wanted = Array.from({ length: 50 }, (_, i) => [names[i % 4]!, names[(i * 3 + 1) % 4]!, 'z']);
    await Promise.all(wanted.map((streams) => lanes.exclusive(streams, work)));
    await lanes.drained();
    expect(lanes.queued).toBe(0);
  });
});

describe('bounds', () => {
  it('of one stream and of all are kept, and freed again', async () => {
    const { lanes, finish } = newLanes({ queueLengthMax: 2, queuedTotalMax: 3 });
    lanes.push('a', { name: '1' });
    await settle();
    lanes.push('a', { name: '2' });
    lanes.push('a', { name: '3' });
    expect(() => lanes.push('a', { name: '4' })).toThrow(expect.objectContaining({ code: 'overloaded' }));
    await expect(lanes.exclusive(['a'], async () => 1)).rejects.toMatchObject({ code: 'overloaded' });
    lanes.push('b', { name: '5' });
    expect(() => lanes.push('c', { name: '6' })).toThrow(expect.objectContaining({ code: 'overloaded' }));
    finish();
    await settle();
    expect(lanes.queued).toBe(0);
    lanes.push('a', { name: '7' });
  });
});
