import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { HistoryLine, LineAnswer } from '@livegift/contracts';
import { History } from './history.js';

/** Lines that have passed validation, each with its number in the request. */
export class ImportHistory extends Command<LineAnswer[]> {
  constructor(
    readonly lines: readonly { readonly line: number; readonly body: HistoryLine }[],
    readonly correlationId: string,
  ) {
    super();
  }
}

@CommandHandler(ImportHistory)
export class ImportHistoryHandler implements ICommandHandler<ImportHistory> {
  constructor(private readonly history: History) {}

  execute(command: ImportHistory): Promise<LineAnswer[]> {
    return this.history.import(command.lines, command.correlationId);
  }
}
