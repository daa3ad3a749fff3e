import { IsIn, IsInt, IsOptional, Length, Matches, Max, Min } from 'class-validator';
import { NumberFromText } from './validation/nested.decorator.js';
import { IsEventTypes, IsId, IsInstant, IsPositionText } from './validation/rules.js';

export const PAGE_LIMIT_DEFAULT = 20;
export const BOARD_LIMIT_DEFAULT = 10;
export const LOG_LIMIT_DEFAULT = 1_000;

/** Query parameters of everything that reads. */
export class AfterQuery {
  @IsOptional()
  @IsPositionText()
  after?: string;
}

export class PageQuery extends AfterQuery {
  @IsOptional()
  @NumberFromText()
  @IsInt()
  @Min(1)
  @Max(100)
  limit?: number;

  @IsOptional()
  @Matches(/^[A-Za-z0-9_-]+$/, { message: '$property must be the nextCursor of an earlier page' })
  @Length(1, 512)
  cursor?: string;
}

export class RoomsQuery extends PageQuery {
  @IsOptional()
  @IsId()
  creatorId?: string;

  @IsOptional()
  @IsIn(['open', 'closed'])
  state?: 'open' | 'closed';
}

export class BoardQueryString extends AfterQuery {
  @IsOptional()
  @IsIn(['hour', 'day', 'week', 'month', 'all'])
  window?: 'hour' | 'day' | 'week' | 'month' | 'all';

  @IsOptional()
  @IsInstant()
  at?: string;

  @IsOptional()
  @NumberFromText()
  @IsInt()
  @Min(1)
  @Max(100)
  limit?: number;

  @IsOptional()
  @NumberFromText()
  @IsInt()
  @Min(1)
  @Max(Number.MAX_SAFE_INTEGER)
  from?: number;

  @IsOptional()
  @IsId()
  around?: string;

  @IsOptional()
  @IsId()
  member?: string;
}

export class LogQuery extends AfterQuery {
  @IsOptional()
  @NumberFromText()
  @IsInt()
  @Min(1)
  @Max(10_000)
  limit?: number;

  /** Event types between commas. */
  @IsOptional()
  @IsEventTypes()
  types?: string;

  @IsOptional()
  @IsIn(['true', 'false'])
  follow?: 'true' | 'false';
}
