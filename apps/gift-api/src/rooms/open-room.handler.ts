import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { CommandContext, CommandOutcome } from '@livegift/command-handling';
import type { OpenRoomBody, RoomAnswer } from '@livegift/contracts';
import { Rooms } from './rooms.js';

export class OpenRoom extends Command<CommandOutcome<RoomAnswer>> {
  constructor(
    readonly body: OpenRoomBody,
    readonly context: CommandContext,
  ) {
    super();
  }
}

@CommandHandler(OpenRoom)
export class OpenRoomHandler implements ICommandHandler<OpenRoom> {
  constructor(private readonly rooms: Rooms) {}

  execute(command: OpenRoom): Promise<CommandOutcome<RoomAnswer>> {
    return this.rooms.open(command.body, command.context);
  }
}
