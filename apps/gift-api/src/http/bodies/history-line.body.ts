import type { HistoryLine } from '@livegift/contracts';
import { COMMAND_COINS_MAX } from '@livegift/kernel';
import { IsInt, Matches, Max, Min } from 'class-validator';
import { IsId, IsInstant } from '../validation/rules.js';

/** One line of `POST /v1/history/import`. That `at` is not in the future is asked of the clock, besides. */
export class HistoryLineBody implements HistoryLine {
  @Matches(/^[A-Za-z0-9._:-]{1,128}$/, {
    message: '$property must be 1 to 128 of the characters A-Z, a-z, 0-9, ".", "_", ":" and "-"',
  })
  importId!: string;

  @IsInstant()
  at!: string;

  @IsId()
  roomId!: string;

  @IsId()
  creatorId!: string;

  @IsId()
  viewerId!: string;

  @IsInt()
  @Min(1)
  @Max(COMMAND_COINS_MAX)
  coins!: number;
}
