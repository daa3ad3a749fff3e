import { closeSync, existsSync, openSync, readFileSync, truncateSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

export interface ProposedEvent {
  readonly id: string;
  readonly type: string;
  readonly contentType: string;
  readonly data: Buffer;
  readonly metadata: Buffer;
}

export interface LogRecord extends ProposedEvent {
  readonly stream: string;
  readonly revision: number;
  /** Commit and prepare position alike, as the real server has it for everything that is not a legacy transaction. */
  readonly position: number;
  /** Where the next record begins. */
  readonly end: number;
  /** 100 ns ticks since 1970. */
  readonly created: string;
}

/** A record's index is its revision. Not copied: a stream may be long, and is read with each append. */
export interface ReadableStream {
  readonly records: readonly LogRecord[];
  /** Readable from here on … */
  readonly first: number;
  /** … and before this. */
  readonly end: number;
}

export type Expected = 'any' | 'no-stream' | 'stream-exists' | number;

export type AppendOutcome =
  | { readonly kind: 'appended'; readonly revision: number; readonly position: number }
  | { readonly kind: 'wrong-expected-version'; readonly current: number | null }
  | { readonly kind: 'too-large' };

/** The server's default, over data, metadata and the type's UTF-16. */
export const APPEND_BYTES_MAX = 1_048_576;
/** The server's default (`MinFlushDelayMs`): what comes meanwhile is written together. */
const FLUSH_EVERY_MS = 2;
/** A real log begins with records of its own. */
const FIRST_POSITION = 1_024;
const RECORD_HEADER_BYTES = 96;
/** The real log has records between events that nobody reads (epochs, system records). */
const GAP_BYTES = 41;

/**
 * The log of the stand-in, with the real server's rules. Visible is only what is on disk (in memory: what has been
 * answered); revisions are checked against everything accepted.
 */
export class StandInLog {
  readonly #records: LogRecord[] = [];
  readonly #streams = new Map<string, LogRecord[]>();
  readonly #waiting: { upTo: number; resolve: () => void }[] = [];
  readonly #watchers = new Set<() => void>();
  #unwritten: string[] = [];
  #visible = 0;
  #flushing = false;
  #flushedMs = -Infinity;
  #next = FIRST_POSITION;

  private constructor(private readonly file: FileHandle | null) {}

  /** @param path of the append-only file; null keeps everything in memory */
  static async open(path: string | null): Promise<StandInLog> {
    if (path === null) return new StandInLog(null);
    const lines = existsSync(path) ? wholeLines(path) : [];
    if (!existsSync(path)) closeSync(openSync(path, 'a'));
    const log = new StandInLog(await open(path, 'a'));
    for (const line of lines) log.#restore(JSON.parse(line) as StoredAppend);
    log.#visible = log.#records.length;
    return log;
  }

  get visible(): number {
    return this.#visible;
  }

  at(index: number): LogRecord {
    return this.#records[index]!;
  }

  /** Index of the first visible record at or after (commit, prepare). */
  indexFrom(commit: bigint, prepare: bigint): number {
    let [low, high] = [0, this.#visible];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const position = BigInt(this.at(middle).position);
      if (position < commit || (position === commit && position < prepare)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Whether a record begins here, one that nobody reads included, or the log ends. */
  isBoundary(position: number): boolean {
    if (position === 0 || position === this.#visibleEnd()) return true;
    const index = this.indexFrom(BigInt(position), 0n);
    const isRecord = index < this.#visible && this.at(index).position === position;
    return isRecord || (index > 0 && this.at(index - 1).end === position);
  }

  /** What can be read of a stream: visible, and not cut off by `$maxCount` or `$tb`. Null: no such stream. */
  readable(stream: string): ReadableStream | null {
    const records = this.#streams.get(stream) ?? [];
    let end = records.length;
    while (end > 0 && records[end - 1]!.position >= this.#visibleEnd()) end--;
    if (end === 0) return null;
    const metadata = this.#streams.get(`$$${stream}`)?.at(-1);
    if (metadata === undefined) return { records, first: 0, end };
    const { $maxCount = Infinity, $tb = 0 } = JSON.parse(metadata.data.toString()) as Record<string, number>;
    return { records, first: Math.min(end, Math.max(0, $tb, end - $maxCount)), end };
  }

  async append(stream: string, expected: Expected, events: readonly ProposedEvent[]): Promise<AppendOutcome> {
    const outcome = this.#accept(stream, expected, events);
    // Also a refusal may rest on what is not on disk yet.
    await this.#durable();
    return outcome;
  }

  /** Calls back whenever more has become visible. */
  watch(watcher: () => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  async close(): Promise<void> {
    await this.#durable();
    await this.file?.close();
  }

  #visibleEnd(): number {
    return this.#visible === 0 ? 0 : this.at(this.#visible - 1).end;
  }

  #accept(stream: string, expected: Expected, events: readonly ProposedEvent[]): AppendOutcome {
    const bytes = events.reduce(
      (sum, { data, metadata, type }) => sum + data.length + metadata.length + 2 * type.length,
      0,
    );
    if (bytes > APPEND_BYTES_MAX) return { kind: 'too-large' };
    const records = this.#streams.get(stream) ?? [];
    const current = records.length === 0 ? null : records.length - 1;
    const asExpected =
      expected === 'any' ||
      (expected === 'no-stream' && current === null) ||
      (expected === 'stream-exists' && current !== null) ||
      expected === current;
    const repeated = this.#repeated(records, expected, events);
    if (repeated === 'in part') return { kind: 'wrong-expected-version', current };
    if (repeated !== null) return { kind: 'appended', revision: repeated.revision, position: repeated.position };
    if (!asExpected) return { kind: 'wrong-expected-version', current };
    const written = this.#write(stream, records.length, events);
    return { kind: 'appended', revision: written.revision, position: written.position };
  }

  /**
   * The same ids at the place that was meant, or anywhere in the stream where none was, are taken for a repetition; contents
   * are not compared.
   */
  #repeated(
    records: readonly LogRecord[],
    expected: Expected,
    events: readonly ProposedEvent[],
  ): LogRecord | 'in part' | null {
    const first = expected === 'no-stream' ? 0 : Number(expected) + 1;
    const known = ({ id }: ProposedEvent, at: number): LogRecord | undefined => {
      if (Number.isNaN(first)) return records.find((record) => record.id === id);
      const record = records[first + at];
      return record?.id === id ? record : undefined;
    };
    if (events.length === 0 || known(events[0]!, 0) === undefined) return null;
    const all = events.map(known);
    return all.includes(undefined) ? 'in part' : all.at(-1)!;
  }

  #write(stream: string, firstRevision: number, events: readonly ProposedEvent[]): LogRecord {
    const created = `${BigInt(Date.now()) * 10_000n}`;
    let position = this.#next;
    const records = events.map((event, at): LogRecord => {
      const bytes = RECORD_HEADER_BYTES + event.data.length + event.metadata.length + 2 * event.type.length;
      const record = { ...event, stream, revision: firstRevision + at, position, end: position + bytes, created };
      position += bytes;
      return record;
    });
    this.#keep(records);
    if (this.file !== null) this.#unwritten.push(`${JSON.stringify(stored(records))}\n`);
    return records.at(-1)!;
  }

  #keep(records: readonly LogRecord[]): void {
    const { stream, end } = records.at(-1)!;
    this.#next = end + GAP_BYTES;
    this.#records.push(...records);
    const ofStream = this.#streams.get(stream);
    if (ofStream === undefined) this.#streams.set(stream, [...records]);
    else ofStream.push(...records);
  }

  #restore({ stream, events }: StoredAppend): void {
    const buffers = events.map((event) => ({
      ...event,
      stream,
      data: Buffer.from(event.data, 'base64'),
      metadata: Buffer.from(event.metadata, 'base64'),
    }));
    this.#keep(buffers);
  }

  #durable(): Promise<void> {
    if (this.#visible === this.#records.length) return Promise.resolve();
    const upTo = this.#records.length;
    return new Promise((resolve) => {
      this.#waiting.push({ upTo, resolve });
      if (!this.#flushing) void this.#flush();
    });
  }

  async #flush(): Promise<void> {
    this.#flushing = true;
    while (this.#visible < this.#records.length) {
      const sinceMs = performance.now() - this.#flushedMs;
      if (sinceMs < FLUSH_EVERY_MS) await new Promise((resolve) => setTimeout(resolve, FLUSH_EVERY_MS - sinceMs));
      this.#flushedMs = performance.now();
      const upTo = this.#records.length;
      const text = this.#unwritten.join('');
      this.#unwritten = [];
      if (this.file === null) await new Promise(setImmediate);
      else {
        await this.file.appendFile(text);
        await this.file.datasync();
      }
      this.#visible = upTo;
      while (this.#waiting.length > 0 && this.#waiting[0]!.upTo <= upTo) this.#waiting.shift()!.resolve();
      for (const watcher of this.#watchers) watcher();
    }
    this.#flushing = false;
  }
}

type StoredEvent = Omit<LogRecord, 'data' | 'metadata' | 'stream'> & {
  readonly data: string;
  readonly metadata: string;
};
interface StoredAppend {
  readonly stream: string;
  readonly events: readonly StoredEvent[];
}

function stored(records: readonly LogRecord[]): StoredAppend {
  const events = records.map((record) => ({
    ...record,
    // Once for all of them.
    stream: undefined,
    data: record.data.toString('base64'),
    metadata: record.metadata.toString('base64'),
  }));
  return { stream: records[0]!.stream, events };
}

/** A line that a kill has cut short was never answered: it is cut off. */
function wholeLines(path: string): readonly string[] {
  const bytes = readFileSync(path);
  const end = bytes.lastIndexOf(0x0a) + 1;
  if (end < bytes.length) truncateSync(path, end);
  return bytes
    .subarray(0, end)
    .toString()
    .split('\n')
    .filter((line) => line !== '');
}
