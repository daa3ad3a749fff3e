/** A cluster whose processes and servers fail: every kind of fault once, the slow ones by `npm run crash:cluster`. */
import { describeWithServers } from '../support/servers.js';
import { roomBreaches } from './faults.aftermath.js';
import { faultRun } from './faults.run.js';

const SEED = Number(process.env['CRASH_SEED'] ?? '7');
const RUN_MS_MAX = 900_000;

describeWithServers(['redis', 'kafka'], 'a cluster whose parts fail', () => {
  it(
    `keeps every promise, whichever process or server is killed or comes back with old data (seed ${SEED})`,
    async () => {
      const isWanted = (kind: string): boolean => !kind.endsWith('held up') || kind === 'publisher held up';
      const { breaches, struck, ...figures } = await faultRun({ seed: SEED, redis: 'single', faults: 6, isWanted });
      expect(breaches).toEqual([]);
      expect(Object.keys(struck).toSorted()).toEqual([
        'Kafka killed',
        'Redis came back empty',
        'Redis fell back',
        'Redis killed',
        'event store killed',
        'gift-api killed',
        'projector killed',
        'publisher held up',
        'publisher killed',
        'room-gateway killed',
        'settlement killed',
      ]);
      // The run must have bitten: answers lost and asked for again, feeds broken and resumed.
      expect(figures.acknowledged).toBeGreaterThan(100);
      expect(figures.repeats).toBeGreaterThan(0);
      expect(figures.replaysAsked).toBeGreaterThan(0);
      expect(figures.completeResumes).toBeGreaterThan(0);
      expect(figures.kafkaMessages).toBeGreaterThan(100);
      expect(figures.kafkaRepeats).toBe(0);
    },
    RUN_MS_MAX,
  );

  it(
    `keeps every promise when a master of the Redis Cluster is killed (seed ${SEED})`,
    async () => {
      const kinds = ['Redis master killed', 'projector killed', 'gift-api killed'];
      const isWanted = (kind: string): boolean => kinds.includes(kind);
      const { breaches, struck, ...figures } = await faultRun({ seed: SEED, redis: 'cluster', faults: 2, isWanted });
      expect(breaches).toEqual([]);
      expect(Object.keys(struck).toSorted()).toEqual(kinds.toSorted());
      expect(figures.acknowledged).toBeGreaterThan(100);
      expect(figures.kafkaRepeats).toBe(0);
    },
    RUN_MS_MAX,
  );
});

describe('the questions to Kafka after faults', () => {
  it('are content with the log, and with what was repeated', () => {
    expect(roomBreaches('r', ['a', 'b', 'c'], ['a', 'b', 'c'])).toEqual([]);
    expect(roomBreaches('r', ['a', 'b', 'a', 'b', 'c'], ['a', 'b', 'c'])).toEqual([]);
  });
  it.each([
    ['misses one', ['a', 'c'], /gift 2 is c; in the log it is b/],
    ['misses the end', ['a', 'b'], /gift 3 is undefined; in the log it is c/],
    ['is out of order', ['b', 'a', 'c'], /gift 1 is b; in the log it is a/],
    ['has what never was', ['a', 'b', 'c', 'x'], /the log has no x/],
  ])('tell of a room that %s', (_breach, read, told) => {
    expect(roomBreaches('r', read, ['a', 'b', 'c']).join('\n')).toMatch(told);
  });
});
