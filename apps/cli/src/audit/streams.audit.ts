import type { Position, RecordedEvent } from '@livegift/kernel';
import { FingerprintSet } from './fingerprint-set.js';
import { findingAt, type Report } from './finding.js';

/** Where a stream has got to, and the command whose events came last in it. */
interface StreamBooks {
  revision: number;
  key: string | null;
  bodyHash: string | undefined;
  types: string[];
}

/** A key that may have been accepted twice in a stream: to be looked up there. */
export interface KeySuspect {
  readonly stream: string;
  readonly key: string;
}

/** Suspects beyond this many are not looked up: each takes a reading of its stream. */
const SUSPECTS_MAX = 10_000;

const CLAIM_TYPES: ReadonlySet<string> = new Set(['PaymentClaimed', 'PaymentReleased', 'HistoryClaimed']);

/** Positions of the log, revisions and idempotency keys of every stream but those of claims, which are audited with them. */
export class StreamsAudit {
  readonly #streams = new Map<string, StreamBooks>();
  readonly #keys = new FingerprintSet();
  readonly suspects: KeySuspect[] = [];
  #suspectsLeftOut = 0;
  #last: Position | null = null;

  constructor(
    private readonly report: Report,
    private readonly suspectsMax = SUSPECTS_MAX,
  ) {}

  recorded(event: RecordedEvent): void {
    this.#checkPosition(event);
    if (CLAIM_TYPES.has(event.type)) return;
    let books = this.#streams.get(event.stream);
    if (books === undefined) {
      books = { revision: -1, key: null, bodyHash: undefined, types: [] };
      this.#streams.set(event.stream, books);
    }
    if (event.revision !== books.revision + 1) {
      this.report(findingAt(event, 'revisions', `follows revision ${books.revision} of its stream`));
    }
    books.revision = event.revision;
    this.#checkKey(event, books);
  }

  /** A key may come back after so many commands, so those that are not looked up may be sound: but nobody knows. */
  finish(): void {
    if (this.#suspectsLeftOut === 0) return;
    const detail = `${this.#suspectsLeftOut} more keys came again, too many to look whether each was forgotten before`;
    this.report({ rule: 'idempotency-keys', stream: null, revision: null, position: null, detail });
  }

  #checkPosition(event: RecordedEvent): void {
    const { position } = event;
    if (this.#last !== null && (position <= this.#last || position.length !== this.#last.length)) {
      this.report(findingAt(event, 'positions', `stands at ${position}, after ${this.#last}`));
    }
    this.#last = position;
  }

  /** Events of one command stand together, at most one of a type; a key met otherwise is a second acceptance. */
  #checkKey(event: RecordedEvent, books: StreamBooks): void {
    const { idempotencyKey: key, bodyHash } = event.metadata;
    if (key === undefined) {
      books.key = null;
      return;
    }
    if (books.key === key && !books.types.includes(event.type)) {
      books.types.push(event.type);
      if (bodyHash === books.bodyHash) return;
      return this.report(findingAt(event, 'idempotency-keys', `key ${key} stands on two bodies of one command`));
    }
    books.key = key;
    books.bodyHash = bodyHash;
    books.types = [event.type];
    if (this.#keys.add(`${event.stream}\n${key}`)) return;
    if (this.suspects.length < this.suspectsMax) this.suspects.push({ stream: event.stream, key });
    else this.#suspectsLeftOut++;
  }
}
