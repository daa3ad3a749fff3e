import { fieldError, type BoardAnswer, type BoardEntryAnswer } from '@livegift/contracts';
import { instant, parseInstant, shortInstant, type Clock } from '@livegift/kernel';
import {
  boardKey,
  parseUtcOffset,
  periodOf,
  type Board,
  type BoardEntry,
  type ReadModel,
  type WindowName,
} from '@livegift/read-model';
import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { invalidRequest, ProblemError } from '../http/problem.js';
import { ReadYourWrites } from './read-your-writes.js';

export interface BoardRequest {
  readonly board: Board;
  readonly window: WindowName;
  /** Default: now, also while it streams. */
  readonly at?: string;
  readonly limit: number;
  readonly from?: number;
  readonly around?: string;
  readonly member?: string;
}

export class GetBoard extends Query<BoardAnswer> {
  constructor(
    readonly request: BoardRequest,
    readonly after?: string,
  ) {
    super();
  }
}

/** Reads boards; whether the room or creator exists is asked first. */
export class BoardReads {
  constructor(
    private readonly readModel: ReadModel,
    private readonly readYourWrites: ReadYourWrites,
    private readonly clock: Clock,
    private readonly utcOffset: string,
  ) {}

  async board(request: BoardRequest, after: string | undefined): Promise<BoardAnswer> {
    this.#periodCanBeTold(request);
    await this.readYourWrites.readModelReaches({ board: request.board }, after);
    await this.#mustExist(request.board, after);
    return this.read(request);
  }

  /** The board as it is now, of a room or creator that is known to exist. */
  async read(request: BoardRequest): Promise<BoardAnswer> {
    const { board, window, limit, from, around, member } = request;
    const atMs = (request.at === undefined ? null : parseInstant(request.at)) ?? this.clock.now();
    const answer = await this.readModel.board({ board, window, atMs, limit, from, around, member });
    return {
      board: boardKey(board),
      window: {
        name: window,
        startsAt: boundOf(answer.startsAtMs),
        endsAt: boundOf(answer.endsAtMs),
        utcOffset: this.utcOffset,
      },
      entries: answer.entries.map(entryOf),
      member: answer.member === null ? null : entryOf(answer.member),
      total: answer.total,
      position: answer.position,
    };
  }

  /** A time has a year of four digits: a period that begins or ends beyond them has no name in this API. */
  #periodCanBeTold({ at, window }: BoardRequest): void {
    const atMs = at === undefined ? null : parseInstant(at);
    if (atMs === null) return;
    const { startsAtMs, endsAtMs } = periodOf(window, atMs, parseUtcOffset(this.utcOffset));
    if (isTime(startsAtMs) && isTime(endsAtMs)) return;
    throw invalidRequest([fieldError('query.at', 'periodInYears0To9999')]);
  }

  async #mustExist(board: Board, after: string | undefined): Promise<void> {
    if (board.kind === 'room-gifters') {
      await this.readYourWrites.readModelReaches({ room: board.id }, after);
      if ((await this.readModel.room(board.id)) === null) {
        throw new ProblemError('room-not-found', `there is no room ${board.id}`);
      }
    }
    if (board.kind === 'creator-gifters') {
      await this.readYourWrites.readModelReaches({ creator: board.id }, after);
      if ((await this.readModel.creator(board.id)) === null) {
        throw new ProblemError('creator-not-found', `there is no creator ${board.id}`);
      }
    }
  }
}

function entryOf({ rank, id, name, score, reachedAtMs }: BoardEntry): BoardEntryAnswer {
  return { rank, id, name, score, reachedAt: shortInstant(reachedAtMs) };
}

const boundOf = (ms: number | null): string | null => (ms === null ? null : shortInstant(ms));

const isTime = (ms: number | null): boolean => ms === null || parseInstant(instant(ms)) !== null;

@QueryHandler(GetBoard)
export class GetBoardHandler implements IQueryHandler<GetBoard> {
  constructor(private readonly boards: BoardReads) {}

  execute({ request, after }: GetBoard): Promise<BoardAnswer> {
    return this.boards.board(request, after);
  }
}
