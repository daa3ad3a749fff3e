import { silentTelemetry, type Scheduler } from '@livegift/kernel';
import { AwaitedDependency } from './dependency.js';
import { systemClock } from './outside.js';
import { DeploymentChoiceError, keepBoardUtcOffset } from './deployment-choice.js';

/** Time passes as soon as somebody waits, and is written down. */
function hurried(): Scheduler & { readonly waits: number[] } {
  const waits: number[] = [];
  const after = (delayMs: number, task: () => void) => {
    waits.push(delayMs);
    setImmediate(task);
    return { cancel: () => {} };
  };
  return { waits, after };
}

describe('a dependency', () => {
  it('is waited for, longer each time, and says meanwhile why it is not there', async () => {
    const scheduler = hurried();
    const reasons: (string | null)[] = [];
    let attempts = 0;
    const awaited: AwaitedDependency<string> = new AwaitedDependency(
      {
        name: 'event-store',
        open: () => {
          reasons.push(awaited.reason());
          return ++attempts < 10 ? Promise.reject(new Error(`away ${attempts}`)) : Promise.resolve('open');
        },
      },
      { clock: systemClock, scheduler, telemetry: silentTelemetry },
    );
    expect(awaited.isReady()).toBe(false);
    expect(await awaited.opened()).toBe('open');
    expect(awaited.isReady()).toBe(true);
    expect(awaited.reason()).toBeNull();
    expect(reasons.slice(0, 3)).toEqual(['is being opened', 'away 1', 'away 2']);
    expect(scheduler.waits).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000]);
  });

  it('is not waited for when waiting mends nothing', async () => {
    const scheduler = hurried();
    const awaited = new AwaitedDependency(
      {
        name: 'event-store',
        open: () => Promise.reject(new Error('wrong password')),
        isHopeless: (error) => (error as Error).message === 'wrong password',
      },
      { clock: systemClock, scheduler, telemetry: silentTelemetry },
    );
    await expect(awaited.opened()).rejects.toThrow('wrong password');
    expect(scheduler.waits).toEqual([]);
    expect(awaited.isReady()).toBe(false);
  });
});

describe('what a deployment chose once', () => {
  it('is the offset of whoever came first, and nobody starts with another', async () => {
    const kept = new Map<string, string>();
    const choices = {
      firstChoice: async (name: string, value: string) => {
        if (!kept.has(name)) kept.set(name, value);
        return kept.get(name)!;
      },
    };
    await keepBoardUtcOffset(choices, '+02:00');
    await keepBoardUtcOffset(choices, '+02:00');
    await expect(keepBoardUtcOffset(choices, '+00:00')).rejects.toThrow(DeploymentChoiceError);
    await expect(keepBoardUtcOffset(choices, '+00:00')).rejects.toThrow(/BOARD_UTC_OFFSET.*\+02:00/);
  });
});
