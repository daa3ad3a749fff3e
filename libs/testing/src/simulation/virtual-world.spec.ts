import { pause } from '@livegift/kernel';
import { SeededRandom } from './seeded-random.js';
import { SimulatedProcess } from './simulated-process.js';
import { VirtualWorld, WorldStuck } from './virtual-world.js';

const START_MS = Date.UTC(2026, 0, 1);
const LIMITS = { untilMs: START_MS + 60_000, stepsMax: 1_000 };
const newWorld = (seed = 1): VirtualWorld => new VirtualWorld(new SeededRandom(seed), START_MS, setImmediate);

describe('the virtual world', () => {
  it('runs tasks in order of time, those of one moment in order of asking', async () => {
    const world = newWorld();
    const ran: string[] = [];
    for (const [delayMs, name] of [
      [5, 'late'],
      [1, 'first'],
      [1, 'second'],
      [0, 'now'],
    ] as const) {
      world.schedule(delayMs, name, () => ran.push(name));
    }
    await world.run(() => ran.length === 4, LIMITS);
    expect(ran).toEqual(['now', 'first', 'second', 'late']);
    expect(world.nowMs).toBe(START_MS + 5);
  });

  it('lets every settled promise run before the next task', async () => {
    const world = newWorld();
    const ran: string[] = [];
    world.schedule(1, 'begins', () => {
      void (async () => {
        for (let i = 0; i < 50; i++) await Promise.resolve();
        ran.push('settled');
      })();
    });
    world.schedule(1, 'follows', () => ran.push('next'));
    await world.run(() => ran.length === 2, LIMITS);
    expect(ran).toEqual(['settled', 'next']);
  });

  it('does not run what was cancelled', async () => {
    const world = newWorld();
    let ran = false;
    world.schedule(1, 'cancelled', () => (ran = true)).cancel();
    world.schedule(2, 'end', () => {});
    await world.run(() => world.nowMs >= START_MS + 2, LIMITS);
    expect(ran).toBe(false);
  });

  it('says when nothing is left to happen, and when it takes too long', async () => {
    const world = newWorld();
    await expect(world.run(() => false, LIMITS)).rejects.toThrow(WorldStuck);
    const again = (): void => void world.schedule(1, 'again', again);
    again();
    await expect(world.run(() => false, LIMITS)).rejects.toThrow(/1000 steps/);
    await expect(world.run(() => false, { ...LIMITS, stepsMax: 1e9 })).rejects.toThrow(/in its time/);
  });

  it.each([1, 2, 3])('does the same again with seed %d', async (seed) => {
    const runOnce = async (): Promise<string> => {
      const world = newWorld(seed);
      const process = new SimulatedProcess(world, 'process');
      let left = 100;
      const go = async (): Promise<void> => {
        while (left > 0) {
          await pause(process.scheduler, process.random.between(0, 10));
          left--;
        }
      };
      for (let i = 0; i < 5; i++) void go();
      await world.run(() => left <= 0, LIMITS);
      return world.trace.hash;
    };
    expect(await runOnce()).toBe(await runOnce());
  });
});

describe('a simulated process', () => {
  it('does nothing more once it has crashed', async () => {
    const world = newWorld();
    const process = new SimulatedProcess(world, 'process');
    let ran = 0;
    process.scheduler.after(5, () => ran++);
    const waits = process.awaits<void>((resolve) => process.later(5, 'io', resolve)).then(() => ran++);
    world.schedule(1, 'crash', () => process.crash());
    world.schedule(20, 'end', () => {});
    await world.run(() => world.nowMs >= START_MS + 20, LIMITS);
    expect(ran).toBe(0);
    expect(await Promise.race([waits, Promise.resolve('waiting')])).toBe('waiting');
  });

  it('keeps the order of what is to be done at once', async () => {
    const world = newWorld();
    const process = new SimulatedProcess(world, 'process');
    const ran: number[] = [];
    for (let i = 0; i < 20; i++) process.scheduler.after(0, () => ran.push(i));
    await world.run(() => ran.length === 20, LIMITS);
    expect(ran).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });
});
