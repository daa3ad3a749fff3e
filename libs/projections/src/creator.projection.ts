import type { CreatorRegistered, DiamondsCredited } from '@livegift/domain';
import type { ReadModelWrite } from '@livegift/read-model';
import type { Recorded } from './recorded.js';

export function projectCreatorRegistered({ data }: Recorded<CreatorRegistered>): readonly ReadModelWrite[] {
  return [{ kind: 'row', table: 'creator', id: data.creatorId }];
}

/** What was earned is folded from GiftSent; a credit says only how much of it has reached the balance. */
export function projectDiamondsCredited({ data, revision }: Recorded<DiamondsCredited>): readonly ReadModelWrite[] {
  const { creatorId, diamonds } = data;
  return [
    {
      kind: 'row',
      table: 'creator',
      id: creatorId,
      set: { lastCreditRevision: revision },
      add: { creditedDiamonds: diamonds },
    },
  ];
}
