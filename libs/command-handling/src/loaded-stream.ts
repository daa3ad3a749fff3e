import {
  instant,
  notBefore,
  type Clock,
  type Decider,
  type DomainEvent,
  type EventMetadata,
  type Ids,
  type Instant,
  type NewEvent,
  type Position,
  type RecordedEvent,
} from '@livegift/kernel';
import type { Appended } from '@livegift/event-store';
import { RememberedKeys } from './remembered-keys.js';

/** What command handling must know of one kind of stream. */
export interface StreamKind<State, Command, Event extends DomainEvent, Refusal extends string = string> {
  readonly decider: Decider<State, Command, Event, Refusal>;
  /** Change it whenever the shape or meaning of `State` changes: older snapshots are then dropped. State is plain JSON. */
  readonly stateVersion: number;
  /**
   * What is written for a command that came with a key and had nothing to do: it was accepted, so its key is remembered as
   * any other is. Changes no state.
   */
  readonly confirmed: (command: Command, state: State) => Event;
  /** What else stands in an event's metadata; `state` is the one that the event was decided on. */
  readonly extraMetadata?: (state: State, event: Event) => Partial<EventMetadata>;
}

/** Who caused an event, as its metadata says it. */
export interface Cause {
  readonly idempotencyKey: string | null;
  /** Of `hashBody`; null without a key. */
  readonly bodyHash: string | null;
  readonly correlationId: string;
}

/** One stream as far as this process has read it. `revision` is -1 while it has no event. */
export class LoadedStream<State> {
  revision = -1;
  position: Position | null = null;
  lastOfType: Readonly<Record<string, number>> = {};
  /** Of the newest event. */
  recordedAt: Instant | null = null;
  /** Revision of the newest snapshot that was saved or loaded. */
  snapshotRevision = -1;
  /** Used since the shelf last looked for what to put away. */
  touched = false;
  /** Keys as the shelf has counted them. */
  keysCounted = 0;
  /** Key of the newest event, and where that command's events begin: they may stand on two pages. */
  #newestKey: string | undefined;
  #newestKeyFrom = -1;

  constructor(
    readonly name: string,
    public state: State,
    readonly keys: RememberedKeys = new RememberedKeys(),
  ) {}

  get exists(): boolean {
    return this.revision >= 0;
  }

  /** Takes in what others, or we, have appended. */
  follow<Event extends DomainEvent>(
    events: readonly RecordedEvent[],
    decider: Pick<Decider<State, never, Event>, 'evolve'>,
  ): void {
    if (events.length === 0) return;
    const lastOfType: Record<string, number> = { ...this.lastOfType };
    let { state } = this;
    for (const event of events) {
      state = decider.evolve(state, event as unknown as Event);
      lastOfType[event.type] = event.revision;
      const { idempotencyKey, bodyHash } = event.metadata;
      if (idempotencyKey !== this.#newestKey) this.#newestKeyFrom = event.revision;
      this.#newestKey = idempotencyKey;
      if (idempotencyKey !== undefined && bodyHash !== undefined) {
        this.keys.remember(idempotencyKey, this.#newestKeyFrom, event.revision - this.#newestKeyFrom + 1);
      }
    }
    this.state = state;
    this.lastOfType = lastOfType;
    const last = events.at(-1)!;
    this.revision = last.revision;
    this.position = last.position;
    this.recordedAt = last.metadata.recordedAt;
  }
}

export interface Stamps {
  readonly clock: Clock;
  readonly ids: Ids;
  /** What the wall clock says. */
  now(): Instant;
}

interface StagedKey {
  readonly key: string;
  readonly revision: number;
  readonly eventCount: number;
}

/** What is decided on a loaded stream and not yet durable. Commands see each other here; nothing else does. */
export class Draft<State, Event extends DomainEvent> {
  readonly events: NewEvent[] = [];
  state: State;
  readonly #lastOfType: Record<string, number>;
  readonly #keys: StagedKey[] = [];
  #recordedAt: Instant | null;

  constructor(
    readonly loaded: LoadedStream<State>,
    private readonly kind: StreamKind<State, never, Event>,
    private readonly stamps: Stamps,
  ) {
    this.state = loaded.state;
    this.#lastOfType = { ...loaded.lastOfType };
    this.#recordedAt = loaded.recordedAt;
  }

  /** Revision that the next staged event will have. */
  get nextRevision(): number {
    return this.loaded.revision + 1 + this.events.length;
  }

  get expected(): number | 'no-stream' {
    return this.loaded.revision < 0 ? 'no-stream' : this.loaded.revision;
  }

  /** Puts the envelope around decided events and goes on from the state that they leave. */
  stage(decided: readonly Event[], cause: Cause): void {
    const { decider, extraMetadata } = this.kind;
    const recordedAt = notBefore(this.stamps.now(), this.#recordedAt);
    this.#recordedAt = recordedAt;
    const { idempotencyKey, bodyHash, correlationId } = cause;
    const firstRevision = this.nextRevision;
    for (const event of decided) {
      const { type, schemaVersion, data } = event;
      const previousOfType = this.#lastOfType[type] ?? null;
      const metadata: EventMetadata =
        idempotencyKey === null || bodyHash === null
          ? { $correlationId: correlationId, $causationId: correlationId, recordedAt, previousOfType }
          : {
              $correlationId: correlationId,
              $causationId: correlationId,
              recordedAt,
              idempotencyKey,
              bodyHash,
              previousOfType,
            };
      this.#lastOfType[type] = this.nextRevision;
      this.events.push({
        id: this.stamps.ids.uuid(),
        type,
        schemaVersion,
        data,
        metadata: extraMetadata === undefined ? metadata : { ...metadata, ...extraMetadata(this.state, event) },
      });
      this.state = decider.evolve(this.state, event);
    }
    if (idempotencyKey !== null && bodyHash !== null && decided.length > 0) {
      this.#keys.push({ key: idempotencyKey, revision: firstRevision, eventCount: decided.length });
    }
  }

  /** What is decided has become durable. */
  commit({ revision: newest, position }: Appended): void {
    const { loaded } = this;
    loaded.state = this.state;
    loaded.revision = newest;
    loaded.position = position;
    loaded.lastOfType = this.#lastOfType;
    loaded.recordedAt = this.#recordedAt;
    for (const { key, revision, eventCount } of this.#keys) loaded.keys.remember(key, revision, eventCount);
  }
}

/** The time as text is made once per millisecond. */
export function stampsOf(clock: Clock, ids: Ids): Stamps {
  let ms = Number.NaN;
  let text: Instant = '';
  return {
    clock,
    ids,
    now: () => {
      const now = clock.now();
      if (now !== ms) {
        ms = now;
        text = instant(now);
      }
      return text;
    },
  };
}
