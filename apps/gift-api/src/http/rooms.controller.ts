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
import { Describe, PathId } from './openapi/describe.decorator.js';
import { BODY_EXAMPLES } from './openapi/examples.js';

const OPEN_ROOM: CommandRules = { key: 'optional', body: compileValidator(OpenRoomBody, 'body') };
const CLOSE_ROOM: CommandRules = { key: 'optional', body: null };
const SEND_GIFT: CommandRules = { key: 'required', body: compileValidator(SendGiftBody, 'body') };

@Controller('v1/rooms')
export class RoomsController {
  constructor(private readonly commands: CommandBus) {}

  @Describe({
    tag: 'rooms',
    summary: 'Open a room for one broadcast',
    description: 'Registers the creator if new. A closed room does not open again.',
    body: { of: OpenRoomBody, example: BODY_EXAMPLES.openRoom },
    key: 'optional',
    answers: {
      201: { one: 'Room', says: 'The room was opened.' },
      200: { one: 'Room', says: 'It was open already, with the same data.' },
    },
    problems: ['room-exists', 'room-closed', 'idempotency-key-reused', 'contention'],
  })
  @Post()
  async open(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const context = readCommand(request, OPEN_ROOM);
    sendOutcome(reply, await this.commands.execute(new OpenRoom(request.body as OpenRoomBody, context)));
  }

  @PathId('roomId', 'friday-night')
  @Describe({
    tag: 'rooms',
    summary: 'Close a room',
    key: 'optional',
    answers: { 200: { one: 'RoomClosed', says: 'The room is closed, perhaps already was.' } },
    problems: ['room-not-found', 'idempotency-key-reused', 'contention'],
  })
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
  @PathId('roomId', 'friday-night')
  @Describe({
    tag: 'gifts',
    summary: 'Send a gift into a room',
    body: { of: SendGiftBody, example: BODY_EXAMPLES.sendGift },
    key: 'required',
    answers: { 201: { one: 'Gift', says: 'The gift was sent and is on disk.' } },
    problems: [
      'idempotency-key-required',
      'wallet-not-found',
      'room-not-found',
      'room-closed',
      'gift-unknown',
      'amount-limit',
      'creator-limit',
      'age-not-assured',
      'wallet-frozen',
      'cannot-gift-self',
      'balance-too-low',
      'idempotency-key-reused',
      'contention',
    ],
  })
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
