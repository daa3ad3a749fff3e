/** Whose gifters, or who: the four kinds of board. `id` is the room's or the creator's. */
export type Board =
  | { readonly kind: 'room-gifters'; readonly id: string }
  | { readonly kind: 'creator-gifters'; readonly id: string }
  | { readonly kind: 'creators' }
  | { readonly kind: 'gifters' };

export type WindowName = 'hour' | 'day' | 'week' | 'month' | 'all';

export interface BoardScore {
  readonly board: Board;
  readonly member: string;
  /** Coins, or diamonds on the board of creators. */
  readonly amount: number;
}

/** The boards that one gift moves, and by how much. An amount of 0 puts nobody on a board. */
export function scoresOf(gift: {
  readonly roomId: string;
  readonly creatorId: string;
  readonly viewerId: string;
  readonly coins: number;
  readonly diamonds: number;
}): readonly BoardScore[] {
  return [
    { board: { kind: 'room-gifters', id: gift.roomId }, member: gift.viewerId, amount: gift.coins },
    { board: { kind: 'creator-gifters', id: gift.creatorId }, member: gift.viewerId, amount: gift.coins },
    { board: { kind: 'creators' }, member: gift.creatorId, amount: gift.diamonds },
    { board: { kind: 'gifters' }, member: gift.viewerId, amount: gift.coins },
  ];
}

/** One text for a board: `room-gifters:<id>`, `creators`, … Its partition is chosen by it. */
export function boardKey(board: Board): string {
  return 'id' in board ? `${board.kind}:${board.id}` : board.kind;
}
