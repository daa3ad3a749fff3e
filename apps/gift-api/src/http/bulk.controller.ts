import { fieldError } from '@livegift/contracts';
import { Controller, Inject, Post, Req, Res } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { parseInstant, type Clock } from '@livegift/kernel';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { SendGiftsInBulk } from '../gifts/send-gifts-in-bulk.handler.js';
import { ImportHistory } from '../history/import-history.handler.js';
import { CLOCK, HTTP_LIMITS, type HttpLimits } from '../tokens.js';
import { BulkGiftLineBody } from './bodies/bulk-gift-line.body.js';
import { HistoryLineBody } from './bodies/history-line.body.js';
import { readCommand, type CommandRules } from './command-request.js';
import { readLines, sendLines } from './lines.js';
import { compileValidator, type CompiledValidator } from './validation/compiled-validator.js';
import { Describe } from './openapi/describe.decorator.js';
import { BODY_EXAMPLES } from './openapi/examples.js';

const LINES: CommandRules = { key: 'optional', body: () => null };

/** Many commands in one request, a line of JSON each. One bad line never harms another. */
@Controller('v1')
export class BulkController {
  readonly #validateGift = compileValidator(BulkGiftLineBody, 'body');
  readonly #validateHistory: CompiledValidator;

  constructor(
    private readonly commands: CommandBus,
    @Inject(HTTP_LIMITS) private readonly limits: HttpLimits,
    @Inject(CLOCK) clock: Clock,
  ) {
    this.#validateHistory = notInFuture(compileValidator(HistoryLineBody, 'body'), clock);
  }

  @Describe({
    tag: 'gifts',
    summary: 'Send many gifts',
    description:
      'Lines of one wallet act in their order; one bad line never harms another. `retry`: nothing happened or it is not ' +
      'known, send the line again with its key.',
    body: { of: BulkGiftLineBody, example: BODY_EXAMPLES.bulkLine, lines: true },
    answers: { 200: { lines: 'Line', says: 'One line for each line, in order.' } },
    problems: ['too-many-lines'],
  })
  @Post('gifts/bulk')
  async sendGifts(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { correlationId } = readCommand(request, LINES);
    const { valid, invalid } = await readLines<BulkGiftLineBody>(
      bytesOf(request),
      this.limits.bulkLinesMax,
      this.#validateGift,
    );
    const answers = valid.length === 0 ? [] : await this.commands.execute(new SendGiftsInBulk(valid, correlationId));
    await sendLines(reply, answers, invalid);
  }

  @Describe({
    tag: 'history',
    summary: 'Import history from elsewhere',
    description:
      'Opens wallets and rooms if new, buys the coins and sends them as the gift `cheer` at the time of the line. An ' +
      'importId counts once, for ever.',
    body: { of: HistoryLineBody, example: BODY_EXAMPLES.historyLine, lines: true },
    answers: { 200: { lines: 'Line', says: 'One line for each line, in order.' } },
    problems: ['too-many-lines'],
  })
  @Post('history/import')
  async importHistory(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const { correlationId } = readCommand(request, LINES);
    const { valid, invalid } = await readLines<HistoryLineBody>(
      bytesOf(request),
      this.limits.bulkLinesMax,
      this.#validateHistory,
    );
    const answers = valid.length === 0 ? [] : await this.commands.execute(new ImportHistory(valid, correlationId));
    await sendLines(reply, answers, invalid);
  }
}

/** No body at all is no lines. */
function bytesOf(request: FastifyRequest): Buffer {
  return Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
}

function notInFuture(validate: CompiledValidator, clock: Clock): CompiledValidator {
  return (value) => {
    const errors = validate(value);
    if (errors !== null) return errors;
    const atMs = parseInstant((value as HistoryLineBody).at) ?? 0;
    return atMs > clock.now() ? [fieldError('body.at', 'notInFuture')] : null;
  };
}
