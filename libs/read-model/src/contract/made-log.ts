import type { Position } from '@livegift/kernel';
import { partitionsOf } from '../partitions.js';
import type { ApplyResult, ReadModel } from '../read-model.js';
import type { GiftScoredWrite, ReadModelWrite } from '../writes.js';

export const STORE_ID = '0b6cbf9e-32c2-4f5b-9f0f-0d5a3c1e7a11';
export const AT = Date.parse('2026-05-13T10:20:30.400Z');

/** Position of the nth event; they have gaps, as a real log's may. */
export function positionAt(index: number): Position {
  return String(index * 7).padStart(16, '0') as Position;
}

export interface LogEntry {
  readonly position: Position;
  readonly writes: readonly ReadModelWrite[];
  readonly recordedAtMs: number;
}

/** A log as projections would hand it on, made event by event. */
export class MadeLog {
  readonly entries: LogEntry[] = [];
  readonly #revisions = new Map<string, number>();

  get end(): Position {
    return positionAt(this.entries.length);
  }

  /** One event with these writes. */
  event(...writes: ReadModelWrite[]): Position {
    return this.#record(writes, AT);
  }

  openRoom(roomId: string, creatorId: string): Position {
    const position = positionAt(this.entries.length + 1);
    return this.event(
      {
        kind: 'row',
        table: 'room',
        id: roomId,
        set: { creatorId, state: 'open', openedAt: '2026-05-13T10:00:00.000Z' },
      },
      { kind: 'room-listed', roomId, creatorId, state: 'open', openedPosition: position },
    );
  }

  closeRoom(roomId: string, creatorId: string): Position {
    return this.event(
      { kind: 'row', table: 'room', id: roomId, set: { state: 'closed', closedAt: '2026-05-13T11:00:00.000Z' } },
      { kind: 'room-listed', roomId, creatorId, state: 'closed', openedPosition: null },
    );
  }

  /** Recorded when it occurred, unless `recordedAtMs` says otherwise. */
  gift(viewerId: string, coins: number, more: Partial<GiftScoredWrite> = {}, recordedAtMs?: number): GiftScoredWrite {
    const revision = this.#revisions.get(viewerId) ?? 0;
    this.#revisions.set(viewerId, revision + 1);
    const gift: GiftScoredWrite = {
      kind: 'gift-scored',
      giftId: `${viewerId}.${revision}`,
      roomId: 'lounge',
      creatorId: 'cora',
      viewerId,
      coins,
      diamonds: coins * 50,
      position: positionAt(this.entries.length + 1),
      occurredAtMs: AT,
      name: null,
      ...more,
    };
    this.#record([gift], recordedAtMs ?? gift.occurredAtMs);
    return gift;
  }

  gifts(): GiftScoredWrite[] {
    return this.entries.flatMap(({ writes }) => writes.filter((write) => write.kind === 'gift-scored'));
  }

  #record(writes: readonly ReadModelWrite[], recordedAtMs: number): Position {
    const position = positionAt(this.entries.length + 1);
    this.entries.push({ position, writes, recordedAtMs });
    return position;
  }
}

/** Applies the entries from `start` up to `end` (indexes) to one partition, as one batch. */
export function applySpan(
  model: ReadModel,
  partition: number,
  log: MadeLog,
  start: number,
  end: number,
  storeId = STORE_ID,
): Promise<ApplyResult> {
  const entries = log.entries.slice(start, end);
  const times = entries.flatMap(({ writes, recordedAtMs }) =>
    writes.some(({ kind }) => kind === 'gift-scored') ? [recordedAtMs] : [],
  );
  return model.apply({
    partition,
    storeId,
    from: start === 0 ? null : positionAt(start),
    to: positionAt(end),
    newestRecordedMs: times.length === 0 ? null : Math.max(...times),
    writes: entries.flatMap(({ writes }) =>
      writes.filter((write) => partitionsOf(write, model.partitionCount).includes(partition)),
    ),
  });
}

/** Applies the log from its entry `start` on to every partition, `size` events a batch. */
export async function applyLog(model: ReadModel, log: MadeLog, size = 1_000, start = 0): Promise<void> {
  for (let from = start; from < log.entries.length; from += size) {
    const to = Math.min(from + size, log.entries.length);
    for (let partition = 0; partition < model.partitionCount; partition++) {
      expect(await applySpan(model, partition, log, from, to)).toEqual({ applied: true });
    }
  }
}

/** One wallet, ann's, that spends a coin in each event after its first. */
export function walletLog(): MadeLog {
  const log = new MadeLog();
  log.event({ kind: 'row', table: 'wallet', id: 'ann', set: { region: 'DE' } });
  for (let i = 0; i < 9; i++) log.event({ kind: 'row', table: 'wallet', id: 'ann', add: { spentCoins: 1 } });
  return log;
}

export async function spentByAnn(model: ReadModel): Promise<number | undefined> {
  return (await model.wallet('ann'))?.row.spentCoins;
}

/** The partition that ann's wallet is in is not named: every partition is moved alike. */
export async function applyAll(model: ReadModel, log: MadeLog, start: number, end: number): Promise<ApplyResult[]> {
  const results: ApplyResult[] = [];
  for (let partition = 0; partition < model.partitionCount; partition++) {
    results.push(await applySpan(model, partition, log, start, end));
  }
  return results;
}

export async function dumpOf(model: ReadModel): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of model.dump()) lines.push(line);
  return lines;
}

/** A generator of numbers from 0 to `below` - 1, the same for the same seed. */
export function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}
