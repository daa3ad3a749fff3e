import { importStream, type HistoryClaimed } from '@livegift/domain';
import { CREATOR_LIMIT_DIAMONDS } from '@livegift/kernel';
import type { Claims } from '../claims.js';
import type { CreatorEarnings } from '../creators/creator-earnings.js';
import type { RoomReferences } from '../rooms/room-references.js';
import type { Rooms } from '../rooms/rooms.js';
import { refused, retryAfter, type LineUnderWay } from './lines-under-way.js';

/**
 * Opens the rooms that are new, each by the first line that will count, and refuses lines of a room of another creator.
 * Whether a line has been claimed is asked first: a repeated one is answered as before, and opens nothing.
 */
export class HistoryRooms {
  constructor(
    private readonly rooms: Rooms,
    private readonly references: RoomReferences,
    private readonly earnings: CreatorEarnings,
    private readonly claims: Claims<HistoryClaimed>,
  ) {}

  async settle(lines: readonly LineUnderWay[], correlationId: string): Promise<void> {
    const byRoom = new Map<string, LineUnderWay[]>();
    for (const line of lines) {
      if (line.answer !== null) continue;
      const known = byRoom.get(line.body.roomId);
      if (known === undefined) byRoom.set(line.body.roomId, [line]);
      else known.push(line);
    }
    await Promise.all(
      [...byRoom].map(async ([roomId, ofRoom]) => {
        try {
          await this.#settleRoom(roomId, ofRoom, correlationId);
        } catch (failure) {
          for (const line of ofRoom) line.answer ??= retryAfter(line, failure);
        }
      }),
    );
  }

  async #settleRoom(roomId: string, lines: readonly LineUnderWay[], correlationId: string): Promise<void> {
    let creatorId = (await this.references.get(roomId))?.creatorId ?? null;
    const strangers = lines.filter(({ body }) => body.creatorId !== creatorId);
    await Promise.all(
      strangers.map(async (line) => {
        line.existing = (await this.claims.read(importStream(line.body.importId)))?.data ?? null;
      }),
    );
    for (const line of strangers) {
      const { at, creatorId: wanted } = line.body;
      if (line.existing !== null || wanted === creatorId) continue;
      if (creatorId === null) {
        if ((await this.earnings.get(wanted)) >= CREATOR_LIMIT_DIAMONDS) {
          line.answer = refused(line, 'creator-limit');
          continue;
        }
        const opened = await this.rooms.openForHistory(roomId, wanted, at, correlationId);
        creatorId = opened.creatorId;
      }
      if (wanted !== creatorId) line.answer = mismatch(line, creatorId);
    }
  }
}

function mismatch(line: LineUnderWay, creatorId: string): LineUnderWay['answer'] {
  const { roomId, creatorId: wanted } = line.body;
  const detail = `Room ${roomId} belongs to creator ${creatorId}; the line names creator ${wanted}`;
  return { ...refused(line, 'room-creator-mismatch'), detail };
}
