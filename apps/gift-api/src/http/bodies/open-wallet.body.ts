import type { OpenWalletBody as OpenWalletContract } from '@livegift/contracts';
import { IsBoolean } from 'class-validator';
import { IsId, IsRegion } from '../validation/rules.js';

export class OpenWalletBody implements OpenWalletContract {
  @IsId()
  viewerId!: string;

  @IsRegion()
  region!: string;

  @IsBoolean()
  ageAssured!: boolean;
}
