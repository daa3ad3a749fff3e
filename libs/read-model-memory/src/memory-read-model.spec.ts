import type { Position } from '@livegift/kernel';
import type { Board, BoardAnswer, GiftScoredWrite, ReadModel, WindowName } from '@livegift/read-model';
import { createMemoryReadModel, type MemoryReadModelOptions } from './memory-read-model.js';

const AT = Date.parse('2026-05-13T10:20:30.400Z');
const HOUR_MS = 3_600_000;
const BOARDS: readonly Board[] = [
  { kind: 'gifters' },
  { kind: 'creators' },
  { kind: 'room-gifters', id: 'room-3' },
  { kind: 'creator-gifters', id: 'creator-1' },
];

function positionAt(index: number): Position {
  return String(index).padStart(16, '0') as Position;
}

/** Gifts one after the other, spread over viewers, rooms and hours. */
class Giver {
  readonly model: ReadModel;
  #given = 0;

  constructor(options: MemoryReadModelOptions) {
    this.model = createMemoryReadModel(options);
    void this.model.markBuilt(0, null);
  }

  async give(count: number, viewers: number): Promise<void> {
    const from = this.#given === 0 ? null : positionAt(this.#given);
    const writes = Array.from({ length: count }, () => this.#gift(viewers));
    const to = positionAt(this.#given);
    expect(await this.model.apply({ partition: 0, storeId: 's', from, to, newestRecordedMs: AT, writes })).toEqual({
      applied: true,
    });
  }

  async ask(board: Board, window: WindowName, limit = 100): Promise<BoardAnswer> {
    return this.model.board({ board, window, atMs: AT, limit });
  }

  #gift(viewers: number): GiftScoredWrite {
    const index = ++this.#given;
    const room = (index * 13) % 8;
    const viewerId = `v${(index * 7_919) % viewers}`;
    return {
      kind: 'gift-scored',
      giftId: `${viewerId}.${index}`,
      roomId: `room-${room}`,
      creatorId: `creator-${room % 3}`,
      viewerId,
      coins: 1 + (index % 3),
      diamonds: 50 * (1 + (index % 3)),
      position: positionAt(index),
      occurredAtMs: AT - ((index * 31) % 40) * HOUR_MS,
      name: null,
    };
  }
}

describe('the memory read model', () => {
  it('builds a large board in slices, and counts the gifts that come meanwhile', async () => {
    let yields = 0;
    const slow = new Giver({
      buildSliceSteps: 1,
      yieldToLoop: async () => {
        // Known and new viewers, rooms and hours, at every stage of building.
        if (++yields <= 30) await slow.give(40, 6_000 + yields * 300);
      },
    });
    const plain = new Giver({});
    await slow.give(7_000, 6_000);
    await plain.give(7_000, 6_000);
    for (const board of BOARDS) {
      for (const window of ['all', 'month', 'day', 'hour'] as const) {
        yields = 0;
        const answer = await slow.ask(board, window);
        for (let i = 1; i <= Math.min(yields, 30); i++) await plain.give(40, 6_000 + i * 300);
        expect(answer).toEqual(await plain.ask(board, window));
        if (board.kind === 'gifters' && window === 'all') expect(yields).toBeGreaterThan(5);
      }
    }
    const dumps = await Promise.all([slow, plain].map(({ model }) => linesOf(model)));
    expect(dumps[0]).toEqual(dumps[1]);
  });

  it('builds one board once for many who ask at the same time', async () => {
    let yields = 0;
    const giver = new Giver({
      buildSliceSteps: 1,
      yieldToLoop: async () => {
        yields++;
      },
    });
    await giver.give(7_000, 6_000);
    const one = await giver.ask({ kind: 'gifters' }, 'all');
    const yieldsOfOne = yields;
    expect(yieldsOfOne).toBeGreaterThan(5);
    yields = 0;
    const many = await Promise.all(Array.from({ length: 20 }, () => giver.ask({ kind: 'gifters' }, 'month')));
    expect(yields).toBeLessThan(3 * yieldsOfOne);
    expect(new Set(many.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(many[0]!.total).toBe(one.total);
  });

  it('refuses when too many large boards wait to be built', async () => {
    const giver = new Giver({ buildSliceSteps: 1, buildsQueuedMax: 1 });
    await giver.give(7_000, 6_000);
    const asked = await Promise.allSettled([
      giver.ask({ kind: 'gifters' }, 'all'),
      giver.ask({ kind: 'gifters' }, 'month'),
      giver.ask({ kind: 'gifters' }, 'all'),
    ]);
    expect(asked.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(asked[1]).toMatchObject({ reason: { code: 'unavailable' } });
    expect((await giver.ask({ kind: 'gifters' }, 'month')).total).toBe(6_000);
  });

  it('is right whatever it keeps', async () => {
    let nowMs = 0;
    const givers = [
      new Giver({ hotBoardsMax: 2, clock: { elapsedMs: () => nowMs } }),
      new Giver({ hotMembersMax: 1, clock: { elapsedMs: () => nowMs } }),
      new Giver({ hotIdleMs: 10, clock: { elapsedMs: () => nowMs } }),
      new Giver({}),
    ];
    for (let round = 0; round < 30; round++, nowMs += 7) {
      for (const giver of givers) await giver.give(20, 100);
      const board = BOARDS[(round * 3) % BOARDS.length]!;
      const answers = await Promise.all(givers.map((giver) => giver.ask(board, round % 2 === 0 ? 'day' : 'all')));
      for (const answer of answers) expect(answer).toEqual(answers.at(-1));
    }
  });

  it('answers rebuilding when it is dropped while a board is built', async () => {
    let drop = async (): Promise<void> => {};
    const giver = new Giver({ buildSliceSteps: 1, yieldToLoop: () => drop() });
    await giver.give(7_000, 6_000);
    drop = () => giver.model.drop(0);
    await expect(giver.ask({ kind: 'gifters' }, 'all')).rejects.toMatchObject({ code: 'rebuilding' });
  });

  it('holds nothing rather than half a batch, when a write of it cannot be made', async () => {
    const giver = new Giver({});
    await giver.give(10, 3);
    const from = positionAt(10);
    const writes = [
      { kind: 'row', table: 'creator', id: 'creator-1', add: { diamonds: 5 } },
      { kind: 'row', table: 'creator', id: 'creator-1', add: { rubies: 1 } },
    ] as const;
    const batch = { partition: 0, storeId: 's', from, to: positionAt(11), newestRecordedMs: null, writes };
    await expect(giver.model.apply(batch)).rejects.toThrow(/rubies/);
    expect(await giver.model.checkpoint(0)).toBeNull();
    await expect(giver.ask({ kind: 'creators' }, 'all')).rejects.toMatchObject({ code: 'rebuilding' });
  });

  it('refuses a position that it cannot keep exactly, and what is no gift id, and changes nothing', async () => {
    const giver = new Giver({});
    await giver.give(3, 3);
    const batch = { partition: 0, storeId: 's', from: positionAt(3), newestRecordedMs: null };
    const beyond = '0000000000000000000900719925474099200001' as Position;
    await expect(giver.model.apply({ ...batch, to: beyond, writes: [] })).rejects.toThrow('2^53');
    const write = {
      kind: 'gift-scored',
      giftId: 'other.1',
      roomId: 'room-1',
      creatorId: 'creator-1',
      viewerId: 'v1',
      coins: 1,
      diamonds: 50,
      position: positionAt(4),
      occurredAtMs: AT,
      name: null,
    } as const;
    await expect(giver.model.apply({ ...batch, to: positionAt(4), writes: [write] })).rejects.toThrow('other.1');
    expect(await giver.model.checkpoint(0)).toEqual({ storeId: 's', position: positionAt(3) });
    expect((await giver.ask({ kind: 'gifters' }, 'all')).position).toBe(positionAt(3));
  });
});

async function linesOf(model: ReadModel): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of model.dump()) lines.push(line);
  return lines;
}
