import type { Checkpoint, Position } from '@livegift/kernel';
import {
  partitionOf,
  type ApplyResult,
  type BoardAnswer,
  type BoardEntry,
  type BoardQuery,
  type ReadModel,
  type ReadModelBatch,
  type ReadModelSubject,
  type ReadModelWrite,
  type RoomsQuery,
} from '@livegift/read-model';

/** Every gift moves this board, so that its partition has heard of every name. */
const NAMES = { board: { kind: 'gifters' } } as const;

/** What a line of a dump begins with, in the order of `dump`, and what it speaks of. */
const LINE_KINDS: readonly (readonly [start: string, subject: (id: string) => ReadModelSubject])[] = [
  ['wallet', (id) => ({ wallet: id })],
  ['creator', (id) => ({ creator: id })],
  ['room', (id) => ({ room: id })],
  ['rooms', () => 'rooms'],
  ['room-gifts', (id) => ({ room: id })],
  ['name', () => NAMES],
  ['board', (key) => ({ board: boardOf(key) })],
];

interface DumpLine {
  readonly kind: number;
  readonly id: string;
  readonly text: string;
}

/** A read model of several partitions made of some with one each, of which each is asked only for what lives there. */
export class PartitionedReadModel implements ReadModel {
  readonly #models: readonly ReadModel[];

  constructor(models: readonly ReadModel[]) {
    this.#models = models;
  }

  get partitionCount(): number {
    return this.#models.length;
  }

  checkpoint(partition: number): Promise<Checkpoint | null> {
    return this.#models[partition]!.checkpoint(0);
  }

  apply(batch: ReadModelBatch): Promise<ApplyResult> {
    return this.#models[batch.partition]!.apply({ ...batch, partition: 0, writes: batch.writes.flatMap(withItsRoom) });
  }

  drop(partition: number): Promise<void> {
    return this.#models[partition]!.drop(0);
  }

  markBuilt(partition: number, reached: Checkpoint | null): Promise<boolean> {
    return this.#models[partition]!.markBuilt(0, reached);
  }

  async builtPartitions(): Promise<number> {
    const built = await Promise.all(this.#models.map((model) => model.builtPartitions()));
    return built.reduce((sum, count) => sum + count, 0);
  }

  wallet: ReadModel['wallet'] = (viewerId) => this.#of({ wallet: viewerId }).wallet(viewerId);
  creator: ReadModel['creator'] = (creatorId) => this.#of({ creator: creatorId }).creator(creatorId);
  room: ReadModel['room'] = (roomId) => this.#of({ room: roomId }).room(roomId);
  roomGifts: ReadModel['roomGifts'] = (roomId) => this.#of({ room: roomId }).roomGifts(roomId);

  async board(query: BoardQuery): Promise<BoardAnswer> {
    const answer = await this.#of({ board: query.board }).board(query);
    const entries = await Promise.all(answer.entries.map((entry) => this.#named(entry)));
    return { ...answer, entries, member: answer.member && (await this.#named(answer.member)) };
  }

  /** The list stands in one partition, the rooms that it names in others. */
  async rooms(query: RoomsQuery): ReturnType<ReadModel['rooms']> {
    const page = await this.#of('rooms').rooms(query);
    const rooms = await Promise.all(page.items.map(({ roomId }) => this.room(roomId)));
    return { ...page, items: rooms.flatMap((answer) => (answer === null ? [] : [answer.row])) };
  }

  waitFor(subject: ReadModelSubject, position: Position, timeoutMs: number): Promise<boolean> {
    return this.#of(subject).waitFor(subject, position, timeoutMs);
  }

  async *dump(): AsyncIterable<string> {
    const lines: DumpLine[] = [];
    for (const [partition, model] of this.#models.entries()) {
      for await (const text of model.dump()) {
        const line = readLine(text);
        const subject = LINE_KINDS[line.kind]![1](line.id);
        if (partitionOf(subject, this.partitionCount) === partition) lines.push(line);
      }
    }
    // The lines of one board, and of the list, come from one partition and keep their order.
    for (const { text } of lines.toSorted((a, b) => a.kind - b.kind || byCodeUnits(a, b))) yield text;
  }

  async close(): Promise<void> {
    await Promise.all(this.#models.map((model) => model.close()));
  }

  /** With the name of the partition that hears of every gift. */
  async #named(entry: BoardEntry): Promise<BoardEntry> {
    const { entries } = await this.#of(NAMES).board({ ...NAMES, window: 'all', atMs: 0, limit: 1, around: entry.id });
    return { ...entry, name: entries[0]?.name ?? null };
  }

  #of(subject: ReadModelSubject): ReadModel {
    return this.#models[partitionOf(subject, this.partitionCount)]!;
  }
}

/** A model lists only rooms that it has a row of; the rows of these may live in other partitions. */
function withItsRoom(write: ReadModelWrite): readonly ReadModelWrite[] {
  if (write.kind !== 'room-listed') return [write];
  const { roomId, creatorId, state } = write;
  return [{ kind: 'row', table: 'room', id: roomId, set: { creatorId, state } }, write];
}

function readLine(text: string): DumpLine {
  const [start, second] = text.split(' ', 2) as [string, string];
  const kind = LINE_KINDS.findIndex(([known]) => known === start);
  if (kind < 0) throw new Error(`a line of a dump that nobody knows: ${text}`);
  if (kind > 2) return { kind, id: start === 'rooms' ? '' : second, text };
  const row = JSON.parse(text.slice(start.length + 1)) as Record<string, string>;
  return { kind, id: row[`${start === 'wallet' ? 'viewer' : start}Id`]!, text };
}

function boardOf(key: string): { readonly kind: 'room-gifters'; readonly id: string } | { readonly kind: 'creators' } {
  const colon = key.indexOf(':');
  // Only for its partition, which is chosen by kind and id alike for every kind.
  return (colon < 0 ? { kind: key } : { kind: key.slice(0, colon), id: key.slice(colon + 1) }) as never;
}

function byCodeUnits(a: DumpLine, b: DumpLine): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}
