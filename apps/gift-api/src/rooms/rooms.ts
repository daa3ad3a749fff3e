import type { CommandContext, CommandOutcome } from '@livegift/command-handling';
import type { OpenRoomBody, RoomAnswer, RoomClosedAnswer } from '@livegift/contracts';

/** Opens and closes rooms; registers the creator first. */
export class Rooms {
  async open(_body: OpenRoomBody, _context: CommandContext): Promise<CommandOutcome<RoomAnswer>> {
    throw new Error('wanted');
  }

  async close(_roomId: string, _context: CommandContext): Promise<CommandOutcome<RoomClosedAnswer>> {
    throw new Error('wanted');
  }
}
