import type { SendGiftBody as SendGiftContract } from '@livegift/contracts';
import { IsInt, IsObject, IsOptional, Max, Min } from 'class-validator';
import { Nested } from '../validation/nested.decorator.js';
import { IsHttpsUrl, IsId, IsName, IsText, MaxCharacters } from '../validation/rules.js';

export const QUANTITY_MAX = 999_999;

export class SenderBody {
  @IsName()
  @MaxCharacters(64)
  name!: string;

  @IsOptional()
  @IsHttpsUrl()
  @MaxCharacters(512)
  avatarUrl?: string | null;
}

export class SendGiftBody implements SendGiftContract {
  @IsId()
  viewerId!: string;

  @IsId()
  gift!: string;

  /** Default 1. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(QUANTITY_MAX)
  quantity?: number;

  @IsOptional()
  @IsText()
  @MaxCharacters(200)
  message?: string | null;

  @IsOptional()
  @IsObject()
  @Nested(() => SenderBody)
  sender?: SenderBody | null;
}
