import type { Position, RecordedEvent } from '@livegift/kernel';
import { AcceptedKeys } from './accepted-keys.js';
import { findingAt, type Report } from './finding.js';

/** Where a stream has got to, and the command whose events came last in it. */
interface StreamBooks {
  /** From 0, in the order in which streams were first seen. */
  readonly index: number;
  revision: number;
  key: string | null;
  bodyHash: string | undefined;
  types: string[];
}

/** A key that was accepted by `event`, and most likely at an earlier revision too: to be looked up there. */
export interface KeySuspect {
  readonly event: RecordedEvent;
  readonly key: string;
  readonly earlierRevision: number;
}

/** Suspects beyond this many are counted and not looked up, so that a broken log cannot exhaust the memory. */
const SUSPECTS_MAX = 10_000;

const CLAIM_TYPES: ReadonlySet<string> = new Set(['PaymentClaimed', 'PaymentReleased', 'HistoryClaimed']);

/** Positions of the log, revisions and idempotency keys of every stream but those of claims, which are audited with them. */
export class StreamsAudit {
  readonly #streams = new Map<string, StreamBooks>();
  readonly #keys = new AcceptedKeys();
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
      books = { index: this.#streams.size, revision: -1, key: null, bodyHash: undefined, types: [] };
      this.#streams.set(event.stream, books);
    }
    if (event.revision !== books.revision + 1) {
      this.report(findingAt(event, 'revisions', `follows revision ${books.revision} of its stream`));
    }
    books.revision = event.revision;
    this.#checkKey(event, books);
  }

  finish(): void {
    if (this.#suspectsLeftOut === 0) return;
    const detail = `${this.#suspectsLeftOut} more keys were accepted again, too many to name each`;
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
    const recordedSeconds = Math.floor(Date.parse(event.metadata.recordedAt) / 1_000);
    const earlier = this.#keys.accept(key, { stream: books.index, revision: event.revision, recordedSeconds });
    if (earlier === null) return;
    if (this.suspects.length >= this.suspectsMax) this.#suspectsLeftOut++;
    else this.suspects.push({ event, key, earlierRevision: earlier.revision });
  }
}
