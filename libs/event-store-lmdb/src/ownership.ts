import { statSync } from 'node:fs';
import { EventStoreError } from '@livegift/event-store';
import { describeHolder, livenessOf, parseHolder, type DirectoryHolder } from './directory-holder.js';
import { getCopy, type Environment } from './environment.js';

/** Token as f64 | the holder, and the inode of the file, as JSON. LMDB compares the first eight bytes inside the transaction. */
const OWNER_KEY = Buffer.from('owner');
/** Position of the log's last event as f64: compared in the same way. */
const END_KEY = Buffer.from('end');
const TOKEN_BYTES = 8;
const TOKEN_DIGITS = 13;

interface OwnerRecord extends DirectoryHolder {
  readonly inode: string;
}

/** The position of the log's last event before and after a transaction. */
export interface Growth {
  readonly from: number;
  readonly to: number;
}

/**
 * The right to write to a store. It is checked inside each write transaction: the transaction changes nothing unless
 * the database still names this process as its owner, and the log still ends where this process believes. So a process
 * that lost the directory while it was stopped, cut off or in another namespace can never commit again.
 */
export class Ownership {
  #lost: EventStoreError | null = null;
  readonly #token: number;

  private constructor(
    private readonly environment: Environment,
    private readonly file: string,
    holder: DirectoryHolder,
    private readonly onLost: (error: EventStoreError) => void,
  ) {
    this.#token = tokenOf(holder);
  }

  /** @param directory that of the environment. @throws EventStoreError `held` */
  static async take(
    environment: Environment,
    file: string,
    directory: string,
    holder: DirectoryHolder,
    onLost: (error: EventStoreError) => void = () => {},
  ): Promise<Ownership> {
    const before = getCopy(environment.meta, OWNER_KEY);
    const owner = before === undefined ? null : readOwner(before);
    // The lock file may have been removed by hand while its holder lives.
    const hasSocket = owner !== null && owner.socket !== null;
    if (hasSocket && (await livenessOf(directory, owner)) === 'alive') {
      throw new EventStoreError('held', `${file}: ${describeHolder(owner)}`);
    }
    const ownership = new Ownership(environment, file, holder, onLost);
    const record: OwnerRecord = { ...holder, inode: inodeOf(file) };
    const value = Buffer.concat([asDouble(ownership.#token), Buffer.from(JSON.stringify(record))]);
    const put = (): void => void environment.meta.put(OWNER_KEY, value);
    const taken =
      before === undefined
        ? environment.meta.ifNoExists(OWNER_KEY, put)
        : environment.meta.ifVersion(OWNER_KEY, before.readDoubleLE(0), put);
    if (!(await taken)) throw new EventStoreError('held', `${file}: another process has just taken the directory`);
    return ownership;
  }

  /**
   * Where the log ended at the last transaction that appended to it; null in a store from before this was recorded.
   */
  static recordedEnd(environment: Environment): number | null {
    return getCopy(environment.meta, END_KEY)?.readDoubleLE(0) ?? null;
  }

  /** Records where the log ends. Call it once, before the first commit that grows the log. */
  async startAt(end: number): Promise<void> {
    await this.write(() => void this.environment.meta.put(END_KEY, asDouble(end)));
  }

  /**
   * Runs `put`, whose puts become one transaction.
   * @throws EventStoreError `unavailable` when this process is not the owner any more; nothing was written.
   */
  async write(put: () => void): Promise<void> {
    const isOwner = this.environment.meta.ifVersion(OWNER_KEY, this.#token, put);
    if (!(await isOwner)) throw this.#loses();
  }

  /** As `write`, for a transaction that appends to the log. */
  async append({ from, to }: Growth, put: () => void): Promise<void> {
    const { meta } = this.environment;
    let endsThere: Promise<boolean> = Promise.resolve(false);
    const isOwner = meta.ifVersion(OWNER_KEY, this.#token, () => {
      endsThere = meta.ifVersion(END_KEY, from, () => {
        void meta.put(END_KEY, asDouble(to));
        put();
      });
    });
    const [owner, end] = await Promise.allSettled([isOwner, endsThere]);
    if (owner.status === 'rejected') throw owner.reason;
    if (end.status === 'rejected') throw end.reason;
    if (!owner.value || !end.value) throw this.#loses();
  }

  /** Why this process must not write any more; null while it may, as far as it knows. */
  get lost(): EventStoreError | null {
    return this.#lost;
  }

  /** Looks, without waiting for the next commit. @returns why this process must not write; null while it may */
  check(): EventStoreError | null {
    if (this.#lost !== null) return this.#lost;
    this.environment.root.resetReadTxn();
    const value = getCopy(this.environment.meta, OWNER_KEY);
    return value?.readDoubleLE(0) === this.#token ? null : this.#loses();
  }

  #loses(): EventStoreError {
    if (this.#lost !== null) return this.#lost;
    this.environment.root.resetReadTxn();
    const value = getCopy(this.environment.meta, OWNER_KEY);
    const owner = value === undefined ? null : readOwner(value);
    const isOther = owner !== null && value!.readDoubleLE(0) !== this.#token;
    const who = isOther ? describeHolder(owner) : 'the log does not end where this process left it';
    this.#lost = new EventStoreError('unavailable', `${this.file}: this process lost the directory: ${who}`);
    this.onLost(this.#lost);
    return this.#lost;
  }
}

/**
 * Whether the file is the very one that its last owner wrote, not a copy of it: a copy may mix states, so every byte of
 * it is verified when it is opened for the first time.
 */
export function isSameFile(environment: Environment, file: string): boolean {
  const value = getCopy(environment.meta, OWNER_KEY);
  if (value === undefined) return false;
  try {
    const { inode } = JSON.parse(value.toString('utf8', TOKEN_BYTES)) as Partial<OwnerRecord>;
    return inode === inodeOf(file);
  } catch {
    return false;
  }
}

/** As text: some file systems have numbers beyond 2^53. */
function inodeOf(file: string): string {
  return String(statSync(file, { bigint: true }).ino);
}

/** Part of the random token, so that the database can compare it as a number. */
function tokenOf({ token }: DirectoryHolder): number {
  return Number.parseInt(token.replaceAll('-', '').slice(-TOKEN_DIGITS), 16);
}

function readOwner(value: Buffer): DirectoryHolder | null {
  try {
    return parseHolder(value.toString('utf8', TOKEN_BYTES));
  } catch {
    return null;
  }
}

function asDouble(value: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(TOKEN_BYTES);
  bytes.writeDoubleLE(value);
  return bytes;
}
