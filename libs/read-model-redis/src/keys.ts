import { periodOf, WINDOWS, type Period, type RowTable, type WindowName } from '@livegift/read-model';

/** `{p7}` is the hash tag: all keys of a partition are in one slot of a Redis Cluster. See the README for what they hold. */
export class PartitionKeys {
  readonly start: string;
  readonly checkpoint: string;
  /** Every key below that is made when it is needed, with the end of its period: what is to be freed, and when. */
  readonly made: string;
  readonly names: string;
  readonly listed: string;
  readonly tables: Readonly<Record<RowTable, string>>;

  constructor(prefix: string, partition: number) {
    this.start = `${prefix}{p${partition}}:`;
    this.checkpoint = `${this.start}checkpoint`;
    this.made = `${this.start}made`;
    this.names = `${this.start}names`;
    this.listed = `${this.start}listed`;
    this.tables = { wallet: `${this.start}wallets`, creator: `${this.start}creators`, room: `${this.start}rooms` };
  }

  /** A sorted set: the order of a board. */
  board(name: string): string {
    return `${this.start}${BOARD_PREFIX}${name}`;
  }

  /** A hash: where on it each member stands. */
  places(name: string): string {
    return `${this.start}places:${name}`;
  }

  roomGifts(roomId: string): string {
    return `${this.start}${ROOM_GIFTS_PREFIX}${roomId}`;
  }

  roomList(name: string): string {
    return `${this.start}${ROOM_LIST_PREFIX}${name}`;
  }
}

/** What the entries of `made` begin with; a board's entry also stands for its places. */
export const BOARD_PREFIX = 'board:';
export const ROOM_GIFTS_PREFIX = 'room-gifts:';
export const ROOM_LIST_PREFIX = 'room-list:';

/** The lists that a room stands on: one for each way of asking. */
export function roomLists(creatorId: string, state: 'open' | 'closed'): string[] {
  return ['all', state, `creator:${creatorId}`, `creator:${creatorId}:${state}`];
}

export function roomListFor({ creatorId, state }: { creatorId?: string; state?: 'open' | 'closed' }): string {
  const parts = [...(creatorId === undefined ? [] : [`creator:${creatorId}`]), ...(state === undefined ? [] : [state])];
  return parts.join(':') || 'all';
}

/** One of a board's windows with its period. */
export interface PeriodName {
  /** `hour:2026-05-13T10`, `day:2026-05-13`, `week:2026-05-11` (its Monday), `month:2026-05`, `all`; local time. */
  readonly text: string;
  /** Null: never. */
  readonly endsAtMs: number | null;
}

const PERIOD_LENGTH: Readonly<Record<WindowName, number>> = { hour: 13, day: 10, week: 10, month: 7, all: 0 };
const HOUR_MS = 3_600_000;
const HOURS_KEPT_MAX = 4_096;

/** The names of periods in the offset of the deployment; those of the last hours are kept. */
export class PeriodNames {
  readonly #hours = new Map<number, readonly PeriodName[]>();

  constructor(private readonly utcOffsetMs: number) {}

  /** Hours are counted in local time, since 1970. */
  hourOf(atMs: number): number {
    return Math.floor((atMs + this.utcOffsetMs) / HOUR_MS);
  }

  /** One for each window, in the order of WINDOWS. */
  ofHour(hour: number): readonly PeriodName[] {
    let names = this.#hours.get(hour);
    if (names === undefined) {
      if (this.#hours.size >= HOURS_KEPT_MAX) this.#hours.clear();
      const atMs = hour * HOUR_MS - this.utcOffsetMs;
      names = WINDOWS.map((window) => this.of(window, atMs));
      this.#hours.set(hour, names);
    }
    return names;
  }

  periodOf(window: WindowName, atMs: number): Period {
    return periodOf(window, atMs, this.utcOffsetMs);
  }

  of(window: WindowName, atMs: number): PeriodName {
    const { startsAtMs, endsAtMs } = this.periodOf(window, atMs);
    if (startsAtMs === null) return { text: window, endsAtMs };
    const local = new Date(startsAtMs + this.utcOffsetMs).toISOString();
    const yearShift = local.indexOf('-', 1) - 4;
    return { text: `${window}:${local.slice(0, PERIOD_LENGTH[window] + yearShift)}`, endsAtMs };
  }
}

/** How a board in a period is named in its keys: `gifters:day:2026-05-13`. */
export const boardName = (board: string, period: string): string => `${board}:${period}`;

/** The window that knows everyone: who is not on it is on none of the board's windows. */
export const ALL = 'all';
