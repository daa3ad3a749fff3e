import type { OpenRoomBody as OpenRoomContract } from '@livegift/contracts';
import { IsOptional } from 'class-validator';
import { IsId, IsName, MaxCharacters } from '../validation/rules.js';

export class OpenRoomBody implements OpenRoomContract {
  @IsId()
  roomId!: string;

  @IsId()
  creatorId!: string;

  @IsOptional()
  @IsName()
  @MaxCharacters(200)
  title?: string | null;
}
