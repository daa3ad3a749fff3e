import { stableHash } from '@livegift/kernel';
import { boardKey, scoresOf, type Board } from './boards.js';
import type { ReadModelWrite } from './writes.js';

/** What a question reads; its partition is the one to wait for. */
export type ReadModelSubject =
  | { readonly wallet: string }
  | { readonly creator: string }
  | { readonly room: string }
  | { readonly board: Board }
  | 'rooms';

export function partitionOf(subject: ReadModelSubject, partitionCount: number): number {
  return partitionCount === 1 ? 0 : stableHash(subjectKey(subject)) % partitionCount;
}

function subjectKey(subject: ReadModelSubject): string {
  if (subject === 'rooms') return 'rooms';
  if ('wallet' in subject) return `wallet:${subject.wallet}`;
  if ('creator' in subject) return `creator:${subject.creator}`;
  if ('room' in subject) return `room:${subject.room}`;
  return boardKey(subject.board);
}

const ONLY_ONE: readonly number[] = [0];

/** The partitions that a write touches, each once. The adapter applies in each only what lives there. */
export function partitionsOf(write: ReadModelWrite, partitionCount: number): readonly number[] {
  if (partitionCount === 1) return ONLY_ONE;
  switch (write.kind) {
    case 'row':
      return [partitionOf({ [write.table]: write.id } as unknown as ReadModelSubject, partitionCount)];
    case 'room-listed':
      return [partitionOf('rooms', partitionCount)];
    case 'gift-scored': {
      const boards = scoresOf(write).map(({ board }) => partitionOf({ board }, partitionCount));
      return [...new Set([...boards, partitionOf({ room: write.roomId }, partitionCount)])];
    }
  }
}
