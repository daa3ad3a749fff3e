import type { BulkGiftLine } from '@livegift/contracts';
import { Matches } from 'class-validator';
import { IsId } from '../validation/rules.js';
import { SendGiftBody } from './send-gift.body.js';

/** 1 to 128 printable ASCII characters. */
export const IDEMPOTENCY_KEY_PATTERN = /^[\x20-\x7e]{1,128}$/;

/** One line of `POST /v1/gifts/bulk`. */
export class BulkGiftLineBody extends SendGiftBody implements BulkGiftLine {
  @Matches(IDEMPOTENCY_KEY_PATTERN, { message: '$property must be 1 to 128 printable ASCII characters' })
  idempotencyKey!: string;

  @IsId()
  roomId!: string;
}
