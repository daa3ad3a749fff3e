import { Controller, Param, Post, Req, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { SendGift } from '../gifts/send-gift.handler.js';
import { CloseRoom } from '../rooms/close-room.handler.js';
import { OpenRoom } from '../rooms/open-room.handler.js';
import { OpenRoomBody } from './bodies/open-room.body.js';
import { SendGiftBody } from './bodies/send-gift.body.js';
import { readCommand, sendOutcome, type CommandRules } from './command-request.js';
import { compileValidator } from './validation/compiled-validator.js';

const OPEN_ROOM: CommandRules = { key: 'optional', body: compileValidator(OpenRoomBody, 'body') };
const CLOSE_ROOM: CommandRules = { key: 'optional', body: null };
const SEND_GIFT: CommandRules = { key: 'required', body: compileValidator(SendGiftBody, 'body') };

@Controller('v1/rooms')
export class RoomsController {
  constructor(private readonly commands: CommandBus) {}

  @Post()
  async open(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const context = readCommand(request, OPEN_ROOM);
    sendOutcome(reply, await this.commands.execute(new OpenRoom(request.body as OpenRoomBody, context)));
  }

  @Post(':roomId/close')
  async close(
    @Param('roomId') roomId: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const context = readCommand(request, CLOSE_ROOM);
    sendOutcome(reply, await this.commands.execute(new CloseRoom(roomId, context)));
  }

  /** The hot route: what it costs beside the command is measured in `test/bench`. */
  @Post(':roomId/gifts')
  async sendGift(
    @Param('roomId') roomId: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const context = readCommand(request, SEND_GIFT);
    const body = request.body as SendGiftBody;
    sendOutcome(reply, await this.commands.execute(new SendGift(roomId, body, context)));
  }
}
