import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { CommandContext, CommandOutcome } from '@livegift/command-handling';
import type { RoomClosedAnswer } from '@livegift/contracts';
import { Rooms } from './rooms.js';

export class CloseRoom extends Command<CommandOutcome<RoomClosedAnswer>> {
  constructor(
    readonly roomId: string,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(CloseRoom)
export class CloseRoomHandler implements ICommandHandler<CloseRoom> {
  constructor(private readonly rooms: Rooms) {}

  execute(command: CloseRoom): Promise<CommandOutcome<RoomClosedAnswer>> {
    return this.rooms.close(command.roomId, command.context);
  }
}
