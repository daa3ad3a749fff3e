import type { BoardAnswer } from '@livegift/contracts';
import { silentTelemetry, type Position } from '@livegift/kernel';
import type { ReadModel } from '@livegift/read-model';
import { BOARD_INTERVAL_MS, BOARD_STREAMS_MAX, BoardStreams } from './board-streams.js';
import type { BoardReads, BoardRequest } from './board.queries.js';

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

describe('boards that stream themselves', () => {
  let time: ManualTime;
  let streams: BoardStreams;
  let total: number;
  let head: number;
  let endsAtMs: number;
  let reads: number;
  let shown: { atMs: number; total: number }[];

  const board = (): BoardAnswer => ({
    board: 'gifters',
    window: { name: 'hour', startsAt: null, endsAt: new Date(endsAtMs).toISOString(), utcOffset: '+00:00' },
    entries: [],
    member: null,
    total,
    position: String(head),
  });
  const watcher = {
    show: (answer: BoardAnswer) => shown.push({ atMs: time.nowMs, total: answer.total }),
    end: () => {},
  };
  const gift = (): void => {
    total++;
    head++;
  };

  beforeEach(() => {
    time = new ManualTime();
    [total, head, reads, endsAtMs, shown] = [1, 1, 0, 3_600_000, []];
    const boardReads = { read: async () => (reads++, board()) } as unknown as BoardReads;
    const readModel = {
      partitionCount: 1,
      checkpoint: async () => ({ storeId: 's', position: String(head) as Position }),
    } as unknown as ReadModel;
    streams = new BoardStreams(boardReads, readModel, time.clock, time.scheduler, silentTelemetry);
  });

  it('show the board at once, and then only changes', async () => {
    streams.watch(request, board(), watcher);
    expect(shown).toEqual([{ atMs: 0, total: 1 }]);
    await time.pass(2_000);
    expect(shown).toHaveLength(1);
    gift();
    await time.pass(1_000);
    expect(shown.map((one) => one.total)).toEqual([1, 2]);
  });

  it('keep still while the read model moves and the board does not', async () => {
    streams.watch(request, board(), watcher);
    for (let i = 0; i < 20; i++) {
      head++;
      await time.pass(100);
    }
    expect(shown).toHaveLength(1);
  });

  it('never show more often than every 250 ms, and end at the last state', async () => {
    streams.watch(request, board(), watcher);
    for (let i = 0; i < 200; i++) {
      gift();
      await time.pass(10);
    }
    await time.pass(1_000);
    const gaps = shown.slice(1).map(({ atMs }, i) => atMs - shown[i]!.atMs);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(BOARD_INTERVAL_MS);
    expect(shown.at(-1)!.total).toBe(total);
    expect(shown.length).toBeGreaterThan(5);
  });

  it('show the new period when it turns, though nothing was given', async () => {
    streams.watch(request, board(), watcher);
    await time.pass(600);
    endsAtMs = 1_000;
    gift();
    await time.pass(300);
    total = 0;
    const before = shown.length;
    await time.pass(1_000);
    expect(shown.slice(before).map((one) => one.total)).toEqual([0]);
  });

  it('ask once for all who watch the same', async () => {
    for (let i = 0; i < 50; i++) streams.watch(request, board(), watcher);
    await time.pass(300);
    const before = reads;
    gift();
    await time.pass(300);
    expect(reads - before).toBeLessThanOrEqual(2);
    expect(shown).toHaveLength(100);
  });

  it('are bounded, and make room when somebody leaves', async () => {
    const leave = Array.from({ length: BOARD_STREAMS_MAX }, () => streams.watch(request, board(), watcher));
    expect(() => streams.watch(request, board(), watcher)).toThrow('too many');
    leave[0]!();
    leave[0]!();
    expect(() => streams.watch(request, board(), watcher)).not.toThrow();
    expect(() => streams.watch(request, board(), watcher)).toThrow('too many');
  });
});
