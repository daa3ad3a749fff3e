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

/** Suspects beyond this many are counted, not looked up: the log is broken anyway. */
const SUSPECTS_MAX = 10_000;

const CLAIM_TYPES: ReadonlySet<string> = new Set(['PaymentClaimed', 'PaymentReleased', 'HistoryClaimed']);

/** Positions of the log, revisions and idempotency keys of every stream but those of claims, which are audited with them. */
export class StreamsAudit {
  readonly #streams = new Map<string, StreamBooks>();
  readonly #keys = new FingerprintSet();
  readonly suspects: KeySuspect[] = [];
  #last: Position | null = null;

  constructor(private readonly report: Report) {}

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
    if (this.suspects.length < SUSPECTS_MAX) this.suspects.push({ stream: event.stream, key });
  }
}
