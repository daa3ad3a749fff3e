import type { CoinsPurchased, ViewerDetailsChanged, WalletOpened } from '@livegift/domain';
import type { ReadModelWrite } from '@livegift/read-model';
import type { Recorded } from './recorded.js';

export function projectWalletOpened({ data }: Recorded<WalletOpened>): readonly ReadModelWrite[] {
  const { viewerId, region, ageAssured } = data;
  return [{ kind: 'row', table: 'wallet', id: viewerId, set: { region, ageAssured } }];
}

export function projectViewerDetailsChanged({ data }: Recorded<ViewerDetailsChanged>): readonly ReadModelWrite[] {
  const { viewerId, region, ageAssured } = data;
  return [{ kind: 'row', table: 'wallet', id: viewerId, set: { region, ageAssured } }];
}

export function projectCoinsPurchased({ data, revision }: Recorded<CoinsPurchased>): readonly ReadModelWrite[] {
  const { viewerId, coins, balance } = data;
  return [
    {
      kind: 'row',
      table: 'wallet',
      id: viewerId,
      set: { coins: balance, lastPurchaseRevision: revision },
      add: { purchasedCoins: coins },
    },
  ];
}
