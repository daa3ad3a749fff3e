import type { BoardEntryAnswer } from '@livegift/contracts';
import { pause, shortInstant, type Clocks, type Position, type Scheduler } from '@livegift/kernel';
import type { ReadModel } from '@livegift/read-model';
import type { RoomBoard, RoomFacts, RoomFeed, RoomHistory } from '@livegift/room-feed';

const BOARD_ENTRIES = 10;
/** A board is asked for right after a gift: so long it may wait for the read model to have it. */
const BOARD_WAIT_MS = 200;
const ROOM_POLL_MS = 25;

/** What a connection is told that the feed does not carry: the room's facts and its board. */
export class RoomFactsReader {
  constructor(
    private readonly readModel: ReadModel,
    private readonly clock: Clocks,
    private readonly scheduler: Scheduler,
  ) {}

  /** The room, looked for again until `waitMs` have passed; null when there is none. @throws ReadModelError */
  async find(
    roomId: string,
    feed: RoomFeed,
    waitMs: number,
  ): Promise<(RoomFacts & { readonly closed: boolean }) | null> {
    const untilMs = this.clock.elapsedMs() + waitMs;
    for (;;) {
      const known = feed.room(roomId);
      if (known !== null) return known;
      const answer = await this.readModel.room(roomId);
      if (answer !== null) {
        const { creatorId, title, state } = answer.row;
        return { creatorId, title, closed: state === 'closed' };
      }
      if (this.clock.elapsedMs() >= untilMs) return null;
      await pause(this.scheduler, ROOM_POLL_MS);
    }
  }

  /** The room's top ten, if it can be with the gift at `position`. @throws ReadModelError */
  async board(roomId: string, position: Position | null): Promise<RoomBoard> {
    const board = { kind: 'room-gifters', id: roomId } as const;
    if (position !== null) await this.readModel.waitFor({ board }, position, BOARD_WAIT_MS);
    const query = { board, window: 'all', atMs: this.clock.now(), limit: BOARD_ENTRIES } as const;
    const answer = await this.readModel.board(query);
    // The same, field by field, as the API's boards: clients put the one in the place of the other.
    const entries = answer.entries.map(({ rank, id, name, score, reachedAtMs }): BoardEntryAnswer => {
      return { rank, id, name, score, reachedAt: shortInstant(reachedAtMs) };
    });
    return { entries, position: answer.position };
  }

  /** When the room's last gift was; null when nothing is known of the room. @throws ReadModelError */
  async history(roomId: string): Promise<RoomHistory | null> {
    const answer = await this.readModel.room(roomId);
    if (answer === null || answer.position === null) return null;
    return { lastGift: answer.row.lastGiftPosition, through: answer.position };
  }

  async waitFor(roomId: string, position: Position, timeoutMs: number): Promise<boolean> {
    return this.readModel.waitFor({ room: roomId }, position, timeoutMs);
  }
}
