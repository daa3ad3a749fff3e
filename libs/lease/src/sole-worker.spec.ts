import { allOfTheWork, type SharedWork } from './shared-work.js';
import { SoleWorker } from './sole-worker.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('a sole worker', () => {
  let said: string[];
  let isOurs: (ours: boolean) => void;
  let work: SharedWork;
  let finish: (() => void)[];

  beforeEach(() => {
    said = [];
    finish = [];
    let parts: ReadonlySet<number> = new Set();
    let listener: (parts: ReadonlySet<number>) => void = () => {};
    isOurs = (ours) => {
      parts = new Set(ours ? [0] : []);
      listener(parts);
    };
    work = {
      partCount: 1,
      isAgreed: () => true,
      parts: () => parts,
      onChange: (to) => (listener = to),
      start: () => {},
      stop: async () => void said.push('given back'),
    };
  });

  function sole(of = work): SoleWorker<{ stop(): Promise<void> }> {
    let begun = 0;
    return new SoleWorker(of, () => {
      const name = ++begun;
      said.push(`${name} begins`);
      return {
        stop: async () => {
          said.push(`${name} is to stop`);
          await new Promise<void>((resolve) => finish.push(resolve));
          said.push(`${name} has stopped`);
        },
      };
    });
  }

  it('begins at once when the work is nobody else’s', () => {
    sole(allOfTheWork(1)).start();
    expect(said).toEqual(['1 begins']);
  });

  it('waits for the work, and leaves it', async () => {
    const worker = sole();
    worker.start();
    expect(said).toEqual([]);
    isOurs(true);
    isOurs(true);
    expect(said).toEqual(['1 begins']);
    isOurs(false);
    finish.pop()!();
    await turn();
    expect(said).toEqual(['1 begins', '1 is to stop', '1 has stopped']);
    expect(worker.current).toBeNull();
  });

  it('begins again only after the last one has stopped', async () => {
    sole().start();
    isOurs(true);
    isOurs(false);
    isOurs(true);
    await turn();
    expect(said).toEqual(['1 begins', '1 is to stop']);
    finish.pop()!();
    await turn();
    expect(said).toEqual(['1 begins', '1 is to stop', '1 has stopped', '2 begins']);
  });

  it('stops before the work is given back, for good', async () => {
    const worker = sole();
    worker.start();
    isOurs(true);
    const stopped = worker.stop();
    isOurs(true);
    finish.pop()!();
    await stopped;
    isOurs(true);
    expect(said).toEqual(['1 begins', '1 is to stop', '1 has stopped', 'given back']);
  });

  it('is for one part', () => {
    expect(() => sole(allOfTheWork(2))).toThrow(/one part/);
  });
});
