import { closeSync, constants, existsSync, fstatSync, ftruncateSync, openSync, write } from 'node:fs';
import { promisify } from 'node:util';
import { EventStoreError } from '@livegift/event-store';
import { readMeta } from './data-file.js';

const writeAt = promisify(write);

const CHUNK = Buffer.alloc(1024 * 1024);
/** The file grows by an eighth of its size, within these bounds. */
const STEP_BYTES_MIN = 1024 * 1024;
const STEP_BYTES_MAX = 16 * 1024 * 1024;
const STEP_SHARE = 8;
const OPENING_PAGES = 128;
/** So many free pages are listed on one page. */
const FREE_PAGES_LISTED = 512;

/**
 * Disk space for what LMDB is going to write, taken ahead. When the disk is full in the middle of a transaction, lmdb
 * prints errors, answers `Input/output error` ever after, and may end the process. So the file is extended here, with
 * zeros that take real space, before a transaction that may need it; where that fails the transaction is not begun.
 */
export class FileSpace {
  readonly #descriptor: number;
  /** The file has space for all pages below this byte. */
  #allocated: number;
  /** At most so many bytes are in use. */
  #usedMax: number;
  #growing: Promise<void> | null = null;

  readonly pageBytes: number;

  private constructor(private readonly file: string) {
    this.#descriptor = openSync(file, constants.O_RDWR | constants.O_NOFOLLOW);
    this.pageBytes = readMeta(file, this.#descriptor).pageBytes;
    this.#usedMax = this.#used();
    const { size, blocks } = fstatSync(this.#descriptor);
    // A file with holes (a copy, for instance) has not the space that its size says.
    if (blocks * 512 < size && size > this.#usedMax) ftruncateSync(this.#descriptor, this.#usedMax);
    this.#allocated = fstatSync(this.#descriptor).size;
  }

  /** With room for what opening the store writes; null when there is no file yet. @throws EventStoreError `unavailable` */
  static async of(file: string): Promise<FileSpace | null> {
    if (!existsSync(file)) return null;
    const space = new FileSpace(file);
    try {
      await space.take(OPENING_PAGES);
      return space;
    } catch (error) {
      await space.close();
      throw error;
    }
  }

  /**
   * Makes sure that the next transaction finds space for `pages` more pages, and counts them as used.
   * @returns null, or a promise where it must wait
   * @throws (the promise) EventStoreError `unavailable` with the system's error (`ENOSPC`, `EDQUOT`) as its cause
   */
  take(pages: number): Promise<void> | null {
    // The list of free pages is rewritten: eight bytes for each page, if all were free.
    const bytes = (pages + Math.ceil(this.#usedMax / this.pageBytes / FREE_PAGES_LISTED)) * this.pageBytes;
    if (this.#usedMax + bytes > this.#allocated) {
      this.#usedMax = this.#used();
      if (this.#usedMax + bytes > this.#allocated) return this.#takeAfterGrowing(bytes);
    }
    this.#usedMax += bytes;
    return null;
  }

  async close(): Promise<void> {
    await this.#growing?.catch(() => {});
    closeSync(this.#descriptor);
  }

  async #takeAfterGrowing(bytes: number): Promise<void> {
    const step = Math.min(Math.max(this.#usedMax / STEP_SHARE, STEP_BYTES_MIN), STEP_BYTES_MAX);
    const needed = this.#usedMax + bytes;
    this.#growing = this.#growTo(needed + Math.ceil(step), needed).finally(() => (this.#growing = null));
    await this.#growing;
    this.#usedMax = needed;
  }

  /** What is beyond `needed` is only taken where it can be had. */
  async #growTo(target: number, needed: number): Promise<void> {
    while (this.#allocated < target) {
      const bytes = Math.min(CHUNK.length, target - this.#allocated);
      try {
        const { bytesWritten } = await writeAt(this.#descriptor, CHUNK, 0, bytes, this.#allocated);
        this.#allocated += bytesWritten;
      } catch (cause) {
        if (this.#allocated >= needed) return;
        const { code, message } = cause as NodeJS.ErrnoException;
        const what = code === 'ENOSPC' || code === 'EDQUOT' ? 'no space left on its disk' : message;
        throw new EventStoreError('unavailable', `${this.file}: ${what}`, undefined, { cause });
      }
    }
  }

  #used(): number {
    return (readMeta(this.file, this.#descriptor).lastPage + 1) * this.pageBytes;
  }
}
