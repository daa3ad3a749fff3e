import type { RecordedEvent } from '@livegift/kernel';
import type { Report } from './report.js';

/** A key counts as used this many events back in its stream. */
const KEYS_REMEMBERED = 20_000;

interface KeyUse {
  readonly first: number;
  last: number;
  readonly types: Set<string>;
}

/** What holds for any log: positions rise, revisions have no gap, and a stream has each idempotency key from one command. */
export class LogBook {
  events = 0;
  #lastPosition = '';
  readonly #nextRevisions = new Map<string, number>();
  readonly #lastOfType = new Map<string, number>();
  readonly #ids = new Set<string>();
  readonly #keys = new Map<string, KeyUse>();

  apply(event: RecordedEvent, report: Report): void {
    this.events++;
    if (event.position.length !== (this.#lastPosition.length || event.position.length))
      report('position width changed');
    if (event.position <= this.#lastPosition) report(`position not after ${this.#lastPosition}`);
    this.#lastPosition = event.position;
    const expected = this.#nextRevisions.get(event.stream) ?? 0;
    if (event.revision !== expected) report(`revision gap: expected ${expected}`);
    this.#nextRevisions.set(event.stream, event.revision + 1);
    if (this.#ids.has(event.id)) report(`event id ${event.id} twice`);
    this.#ids.add(event.id);
    this.#checkPreviousOfType(event, report);
    if (event.metadata.idempotencyKey !== undefined) this.#checkKey(event, event.metadata.idempotencyKey, report);
  }

  /** Who writes the link must write it right; who does not write it is not asked. */
  #checkPreviousOfType(event: RecordedEvent, report: Report): void {
    const name = `${event.stream} ${event.type}`;
    const previous = this.#lastOfType.get(name) ?? null;
    this.#lastOfType.set(name, event.revision);
    const { previousOfType } = event.metadata;
    if (previousOfType !== undefined && previousOfType !== previous) {
      report(`previousOfType ${previousOfType}, but the previous one is ${previous}`);
    }
  }

  /** One command's events stand together and no type comes twice in them; anything else is a second command. */
  #checkKey(event: RecordedEvent, key: string, report: Report): void {
    const name = `${event.stream} ${key}`;
    const use = this.#keys.get(name);
    const together = use !== undefined && event.revision === use.last + 1 && !use.types.has(event.type);
    if (use !== undefined && together) {
      use.last = event.revision;
      use.types.add(event.type);
      return;
    }
    if (use !== undefined && event.revision - use.last <= KEYS_REMEMBERED) {
      report(`idempotency key ${key} was used at revision ${use.first} already`);
    }
    this.#keys.set(name, { first: event.revision, last: event.revision, types: new Set([event.type]) });
  }
}
