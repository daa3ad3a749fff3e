import type { PurchaseCoinsBody as PurchaseCoinsContract } from '@livegift/contracts';
import { COMMAND_COINS_MAX } from '@livegift/kernel';
import { IsInt, IsObject, Matches, Max, Min, NotEquals } from 'class-validator';
import { Nested } from '../validation/nested.decorator.js';
import { IsCurrency } from '../validation/rules.js';

export class PriceBody {
  @IsInt()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  amountMinor!: number;

  @IsCurrency()
  currency!: string;
}

export class PurchaseCoinsBody implements PurchaseCoinsContract {
  @IsInt()
  @Min(1)
  @Max(COMMAND_COINS_MAX)
  coins!: number;

  @IsObject()
  @Nested(() => PriceBody)
  price!: PriceBody;

  /** `import` is kept for imported history. */
  @Matches(/^[a-z0-9]{1,32}$/, { message: '$property must be 1 to 32 of the characters a-z and 0-9' })
  @NotEquals('import')
  provider!: string;

  @Matches(/^[\x20-\x7e]{1,128}$/, { message: '$property must be 1 to 128 printable ASCII characters' })
  paymentId!: string;
}
