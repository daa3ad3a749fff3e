import {
  CommandError,
  commandErrorOf,
  isConflict,
  isUnknown,
  type Accepted,
  type CommandContext,
  type CommandOutcome,
  type Decided,
  type StreamCommands,
} from '@livegift/command-handling';
import type { OpenRoomBody, RoomAnswer, RoomClosedAnswer } from '@livegift/contracts';
import {
  creatorDecider,
  creatorStream,
  roomStream,
  type RoomCommand,
  type RoomEvent,
  type RoomRefusal,
  type RoomState,
} from '@livegift/domain';
import type { EventStore } from '@livegift/event-store';
import { instant, isRefused, type Clock, type Ids, type Instant, type NewEvent } from '@livegift/kernel';
import { causeOf } from '../cause.js';
import type { NewSubjects } from '../new-subjects.js';
import { answering } from '../store-calls.js';
import type { RoomReferences } from './room-references.js';

export type RoomCommands = StreamCommands<RoomState, RoomCommand, RoomEvent, RoomRefusal>;

/** Opens and closes rooms. Of the two appends of a new room the harmless one goes first: the creator, then the room. */
export class Rooms {
  constructor(
    private readonly commands: RoomCommands,
    private readonly references: RoomReferences,
    private readonly newSubjects: NewSubjects,
    private readonly store: EventStore,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** @throws CommandError */
  async open(body: OpenRoomBody, context: CommandContext): Promise<CommandOutcome<RoomAnswer>> {
    const { roomId, creatorId } = body;
    const title = body.title ?? null;
    const occurredAt = instant(this.clock.now());
    await this.#registerForNewRoom(roomId, creatorId, occurredAt, context.correlationId);
    return this.commands.execute(
      roomStream(roomId),
      { type: 'OpenRoom', roomId, creatorId, title, imported: false, occurredAt },
      causeOf(context, JSON.stringify(['OpenRoom', roomId, creatorId, title])),
      (decided) => this.#opened(roomId, decided),
    );
  }

  /** @throws CommandError */
  async close(roomId: string, context: CommandContext): Promise<CommandOutcome<RoomClosedAnswer>> {
    return this.commands.execute<RoomClosedAnswer>(
      roomStream(roomId),
      { type: 'CloseRoom', occurredAt: instant(this.clock.now()) },
      causeOf(context, JSON.stringify(['CloseRoom', roomId])),
      ({ position, replayed, state }) => {
        if (state !== null) this.references.note(roomId, state);
        return { answer: { roomId, state: 'closed', position }, created: false, replayed };
      },
    );
  }

  /** Makes the room that a line of history happened in, unless there is one. Answers whose it is. @throws CommandError */
  async openForHistory(
    roomId: string,
    creatorId: string,
    occurredAt: Instant,
    correlationId: string,
  ): Promise<{ readonly creatorId: string }> {
    await this.#registerForNewRoom(roomId, creatorId, occurredAt, correlationId);
    const outcome = await this.commands.execute<null>(
      roomStream(roomId),
      { type: 'OpenRoomForHistory', roomId, creatorId, occurredAt },
      { idempotencyKey: null, bodyHash: null, correlationId },
      ({ state }) => {
        if (state !== null) this.references.note(roomId, state);
        return { answer: null, created: true, replayed: false };
      },
    );
    if (!('refused' in outcome)) return { creatorId };
    // Another request has opened it for another creator.
    const room = await answering(() => this.references.read(roomId));
    if (room === null) throw new CommandError('unavailable', `room ${roomId} was not found after it was opened`);
    return room;
  }

  #opened(roomId: string, decided: Decided<RoomEvent, RoomState>): Accepted<RoomAnswer> {
    const { state, events, position, replayed } = decided;
    if (state !== null) this.references.note(roomId, state);
    const [first] = events;
    const { creatorId, title, openedAt } = openedAs(first, state);
    return {
      answer: { roomId, creatorId, title, state: 'open', openedAt, position },
      created: first?.type === 'RoomOpened',
      replayed,
    };
  }

  /** A room that exists has its creator registered. @throws CommandError */
  async #registerForNewRoom(
    roomId: string,
    creatorId: string,
    occurredAt: Instant,
    correlationId: string,
  ): Promise<void> {
    await answering(async () => {
      if ((await this.references.get(roomId)) !== null) return;
      this.newSubjects.assertAdmitted();
      await this.#register(creatorId, occurredAt, correlationId);
    });
  }

  /** A creator's first event is the registration, so a stream that has one needs no second. */
  async #register(creatorId: string, occurredAt: Instant, correlationId: string): Promise<void> {
    const stream = creatorStream(creatorId);
    if ((await this.store.readStream(stream, { limit: 1 })).length > 0) return;
    const command = { type: 'RegisterCreator', creatorId, occurredAt } as const;
    const decided = creatorDecider.decide(command, creatorDecider.initialState);
    if (isRefused(decided)) throw new Error('a new creator was refused');
    const metadata = {
      $correlationId: correlationId,
      $causationId: correlationId,
      recordedAt: instant(this.clock.now()),
      previousOfType: null,
      settledThrough: null,
    };
    const events = decided.map((event): NewEvent => ({ ...event, id: this.ids.uuid(), metadata }));
    try {
      await this.store.append(stream, events, 'no-stream');
    } catch (failure) {
      if (isConflict(failure)) return;
      const registered = isUnknown(failure) && (await this.store.readStream(stream, { limit: 1 })).length > 0;
      if (!registered) throw commandErrorOf(failure);
    }
  }
}

/** A replay has no state, but an event, which says how it was. */
function openedAs(
  first: RoomEvent | undefined,
  state: RoomState | null,
): Pick<RoomAnswer, 'creatorId' | 'title' | 'openedAt'> {
  if (first?.type === 'RoomOpened') return { ...first.data, openedAt: first.data.occurredAt };
  if (first?.type === 'RoomConfirmed') return first.data;
  return { ...state!, openedAt: state!.openedAt! };
}
