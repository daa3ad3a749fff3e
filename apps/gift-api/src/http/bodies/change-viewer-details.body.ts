import type { ChangeViewerDetailsBody as ChangeViewerDetailsContract } from '@livegift/contracts';
import { IsBoolean } from 'class-validator';
import { IsRegion } from '../validation/rules.js';

export class ChangeViewerDetailsBody implements ChangeViewerDetailsContract {
  @IsRegion()
  region!: string;

  @IsBoolean()
  ageAssured!: boolean;
}
