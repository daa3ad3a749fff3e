import type { Position, RecordedEvent } from '@livegift/kernel';
import { partitionOf, partitionsOf, type Board, type ReadModelBatch } from '@livegift/read-model';
import { batchesOf } from './batches-of.js';
import { project } from './project.js';

const PARTITIONS = 64;

function positionAt(index: number): Position {
  return String(index).padStart(16, '0') as Position;
}

function giftAt(index: number, recordedAt = '2026-05-13T10:20:30.400Z', occurredAt = recordedAt): RecordedEvent {
  const viewerId = `v${index}`;
  return {
    id: 'i',
    type: 'GiftSent',
    schemaVersion: 1,
    metadata: { $correlationId: 'c', $causationId: 'c', recordedAt },
    stream: `wallet-${viewerId}`,
    revision: 2,
    position: positionAt(index),
    data: {
      giftId: `${viewerId}.2`,
      roomId: `room-${index % 3}`,
      creatorId: 'cora',
      viewerId,
      coins: 1,
      diamonds: 50,
      balance: 9,
      sender: null,
      occurredAt,
    },
  };
}

const EVENTS = Array.from({ length: 20 }, (_, index) => giftAt(index + 1));

const NOW_MS = Date.parse('2026-05-13T12:30:00.000Z');

function cut(from: readonly (Position | null)[], events = EVENTS, to = positionAt(30)): ReadModelBatch[] {
  return batchesOf(events, { storeId: 's', from, to, nowMs: NOW_MS });
}

describe('batchesOf', () => {
  it('moves every partition, also those without a write', () => {
    const batches = cut(Array.from({ length: PARTITIONS }, () => null));
    expect(batches.map(({ partition, from, to }) => [partition, from, to])).toEqual(
      Array.from({ length: PARTITIONS }, (_, partition) => [partition, null, positionAt(30)]),
    );
    expect(batches.some(({ writes }) => writes.length === 0)).toBe(true);
  });

  it('puts every write into exactly the partitions that it touches, in order', () => {
    const batches = cut(Array.from({ length: PARTITIONS }, () => null));
    for (const { partition, writes } of batches) {
      const expected = EVENTS.flatMap(project).filter((write) => partitionsOf(write, PARTITIONS).includes(partition));
      expect(writes).toEqual(expected);
    }
    const board: Board = { kind: 'gifters' };
    const scored = batches[partitionOf({ board }, PARTITIONS)]!.writes.filter(({ kind }) => kind === 'gift-scored');
    expect(scored).toHaveLength(20);
  });

  it('leaves out of a partition what it has already', () => {
    const from = Array.from({ length: PARTITIONS }, (_, partition) => positionAt(partition % 25));
    for (const batch of cut(from)) {
      const start = batch.partition % 25;
      expect(batch.from).toBe(positionAt(start));
      const expected = EVENTS.slice(start)
        .flatMap(project)
        .filter((write) => partitionsOf(write, PARTITIONS).includes(batch.partition));
      expect(batch.writes).toEqual(expected);
    }
  });

  it('makes no batch for a partition that is there already, or further', () => {
    expect(cut([positionAt(30), positionAt(29), positionAt(31), null]).map(({ partition }) => partition)).toEqual([
      1, 3,
    ]);
  });

  it('makes batches without writes of no events', () => {
    expect(cut([null], [])).toEqual([
      { partition: 0, storeId: 's', from: null, to: positionAt(30), newestRecordedMs: null, writes: [] },
    ]);
  });

  it('tells every partition when the newest gift that is new to it was recorded', () => {
    const events = [giftAt(1, '2026-05-13T12:00:00.000Z'), giftAt(2, '2026-05-13T11:00:00.000Z')];
    const newest = cut([null, positionAt(1), positionAt(2)], events).map(({ newestRecordedMs }) => newestRecordedMs);
    expect(newest).toEqual([Date.parse('2026-05-13T12:00:00.000Z'), Date.parse('2026-05-13T11:00:00.000Z'), null]);
  });

  it.each([
    ['says of itself that it is from the future', giftAt(1, '2026-05-13T12:00:00.000Z', '2036-05-13T12:00:00.000Z')],
    ['says of itself that it is from long ago', giftAt(1, '2026-05-13T12:00:00.000Z', '2016-05-13T12:00:00.000Z')],
  ])('goes by when a gift was recorded, whatever it %s', (_, gift) => {
    expect(cut([null], [gift])[0]!.newestRecordedMs).toBe(Date.parse('2026-05-13T12:00:00.000Z'));
  });

  it('counts no gift as recorded later than now, when the clock that recorded it was ahead', () => {
    expect(cut([null], [giftAt(1, '2026-06-13T12:00:00.000Z')])[0]!.newestRecordedMs).toBe(NOW_MS);
  });
});
