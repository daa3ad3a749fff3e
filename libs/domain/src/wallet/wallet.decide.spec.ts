// Longer than most: one table of every command of the wallet.
import { CREATOR_SHARE_BPS_DEFAULT, WALLET_COINS_MAX, type GiftId, type PurchaseId } from '@livegift/kernel';
import { scenarioOf, stateAfter } from '@livegift/testing';
import type { CompletePurchase, ImportGift, OpenWallet, PurchaseCoins, SendGift } from './wallet.commands.js';
import { PURCHASE_REFUSALS, SEND_GIFT_REFUSALS, walletDecider, type WalletRefusal } from './wallet.decide.js';
import type { CoinsPurchased, GiftSent, ViewerDetailsChanged, WalletEvent, WalletOpened } from './wallet.events.js';
import type { WalletState } from './wallet.state.js';

const AT = '2026-03-01T12:00:00.000Z';
const given = scenarioOf(walletDecider);

const openWallet: OpenWallet = {
  type: 'OpenWallet',
  viewerId: 'ann',
  region: 'DE',
  ageAssured: true,
  imported: false,
  occurredAt: AT,
};
const opened: WalletOpened = {
  type: 'WalletOpened',
  schemaVersion: 1,
  data: { viewerId: 'ann', region: 'DE', ageAssured: true, imported: false, occurredAt: AT },
};
const minor: WalletOpened = { ...opened, data: { ...opened.data, ageAssured: false } };
const detailsChanged: ViewerDetailsChanged = {
  type: 'ViewerDetailsChanged',
  schemaVersion: 1,
  data: { viewerId: 'ann', region: 'FR', ageAssured: true, occurredAt: AT },
};
const purchase = {
  coins: 100,
  price: { amountMinor: 499, currency: 'EUR' },
  provider: 'shop',
  paymentId: 'p1',
  occurredAt: AT,
};
const purchaseCoins: PurchaseCoins = { type: 'PurchaseCoins', ...purchase };
const completePurchase: CompletePurchase = { type: 'CompletePurchase', ...purchase };

const bought = (coins: number, balance = coins, revision = 1): CoinsPurchased => ({
  type: 'CoinsPurchased',
  schemaVersion: 1,
  data: { ...purchase, coins, purchaseId: `ann.${revision}` as PurchaseId, viewerId: 'ann', balance },
});

const sendGift = (change: Partial<SendGift> = {}): SendGift => ({
  type: 'SendGift',
  roomId: 'r1',
  gift: 'perfume',
  quantity: 1,
  message: null,
  sender: null,
  occurredAt: AT,
  streakWindowMs: 3_000,
  creatorShareBps: CREATOR_SHARE_BPS_DEFAULT,
  room: { creatorId: 'cleo', open: true },
  creatorDiamonds: 0,
  priceCoins: 20,
  ...change,
});

const giftSent = (revision: number, change: Partial<GiftSent['data']> = {}): GiftSent => ({
  type: 'GiftSent',
  schemaVersion: 1,
  data: {
    giftId: `ann.${revision}` as GiftId,
    roomId: 'r1',
    creatorId: 'cleo',
    viewerId: 'ann',
    gift: 'perfume',
    quantity: 1,
    priceCoins: 20,
    coins: 20,
    creatorShareBps: 5_000,
    diamonds: 1_000,
    streak: { id: `ann.${revision}` as GiftId, count: 1, coins: 20 },
    message: null,
    sender: null,
    balance: 80,
    imported: false,
    importId: null,
    occurredAt: AT,
    ...change,
  },
});

describe('opening a wallet', () => {
  it('opens it', () => given().when(openWallet).then(opened));
  it('accepts the same data again, with nothing to write', () => given(opened).when(openWallet).then());
  it('refuses other data', () => {
    given(opened)
      .when({ ...openWallet, region: 'FR' })
      .thenRefused('wallet-exists');
    given(opened)
      .when({ ...openWallet, ageAssured: false })
      .thenRefused('wallet-exists');
  });
  it('compares with what the details are now', () => {
    given(opened, detailsChanged).when(openWallet).thenRefused('wallet-exists');
    given(opened, detailsChanged)
      .when({ ...openWallet, region: 'FR' })
      .then();
  });
});

describe('changing viewer details', () => {
  const change = { type: 'ChangeViewerDetails', region: 'FR', ageAssured: true, occurredAt: AT } as const;

  it('changes them', () => given(opened).when(change).then(detailsChanged));
  it('writes nothing when nothing changes', () => given(opened, detailsChanged).when(change).then());
  it('needs a wallet', () => given().when(change).thenRefused('wallet-not-found'));
});

describe('purchasing coins', () => {
  it('adds them, named after its revision', () => {
    given(opened).when(purchaseCoins).then(bought(100));
    given(opened, bought(100))
      .when(purchaseCoins)
      .then(bought(100, 200, 2));
  });

  it('fills a wallet to the brim and not beyond', () => {
    const almost = bought(WALLET_COINS_MAX - 100);
    given(opened, almost)
      .when(purchaseCoins)
      .then(bought(100, WALLET_COINS_MAX, 2));
    given(opened, almost)
      .when({ ...purchaseCoins, coins: 101 })
      .thenRefused('balance-limit');
  });

  it('answers the earlier of two violations', () => {
    const broken: Record<(typeof PURCHASE_REFUSALS)[number], WalletEvent[]> = {
      'wallet-not-found': [],
      'age-not-assured': [minor, bought(WALLET_COINS_MAX)],
      'balance-limit': [opened, bought(WALLET_COINS_MAX)],
    };
    for (const refusal of PURCHASE_REFUSALS)
      given(...broken[refusal])
        .when(purchaseCoins)
        .thenRefused(refusal);
  });

  it('is not refused any more once it was claimed', () => {
    given(minor).when(completePurchase).then(bought(100));
    given(minor, bought(WALLET_COINS_MAX))
      .when(completePurchase)
      .then(bought(100, WALLET_COINS_MAX + 100, 2));
    given().when(completePurchase).thenRefused('wallet-not-found');
  });
});

describe('sending a gift', () => {
  const toppedUp = [opened, bought(100)] as const;

  it('takes its coins and says what the creator earns', () => {
    given(...toppedUp)
      .when(sendGift({ message: 'hi', sender: { name: 'Ann', avatarUrl: null }, quantity: 3 }))
      .then(
        giftSent(2, {
          quantity: 3,
          coins: 60,
          diamonds: 3_000,
          balance: 40,
          message: 'hi',
          sender: { name: 'Ann', avatarUrl: null },
          streak: { id: 'ann.2' as GiftId, count: 3, coins: 60 },
        }),
      );
  });

  it('rounds diamonds down, per gift', () => {
    given(...toppedUp)
      .when(sendGift({ gift: 'rose', priceCoins: 1, creatorShareBps: 3_333 }))
      .then(
        giftSent(2, {
          gift: 'rose',
          priceCoins: 1,
          coins: 1,
          creatorShareBps: 3_333,
          diamonds: 33,
          balance: 99,
          streak: { id: 'ann.2' as GiftId, count: 1, coins: 1 },
        }),
      );
  });

  it('spends the last coin, and not one more', () => {
    given(...toppedUp)
      .when(sendGift({ priceCoins: 100 }))
      .then(
        giftSent(2, {
          priceCoins: 100,
          coins: 100,
          diamonds: 5_000,
          balance: 0,
          streak: { id: 'ann.2' as GiftId, count: 1, coins: 100 },
        }),
      );
    given(...toppedUp)
      .when(sendGift({ priceCoins: 101 }))
      .thenRefused('balance-too-low', { balance: 100, required: 101 });
  });
});

describe('the order in which a gift is refused', () => {
  type Violation = (typeof SEND_GIFT_REFUSALS)[number];
  interface Case {
    readonly command: SendGift;
    readonly state: WalletState;
  }

  const allowed: Case = { command: sendGift(), state: stateAfter(walletDecider, [opened, bought(100)]) };
  /** Each breaks one rule and leaves what the others look at alone, as far as that is possible. */
  const violate: Record<Violation, (given: Case) => Case> = {
    'wallet-not-found': ({ command, state }) => ({ command, state: { ...state, opened: false } }),
    'room-not-found': ({ command, state }) => ({ command: { ...command, room: null }, state }),
    'room-closed': ({ command, state }) => ({
      command: { ...command, room: { creatorId: 'cleo', ...command.room, open: false } },
      state,
    }),
    'gift-unknown': ({ command, state }) => ({ command: { ...command, priceCoins: null }, state }),
    'amount-limit': ({ command, state }) => ({
      command: { ...command, quantity: 1, priceCoins: 1_000_000_001 },
      state: { ...state, coins: WALLET_COINS_MAX },
    }),
    'creator-limit': ({ command, state }) => ({ command: { ...command, creatorDiamonds: 2 ** 52 }, state }),
    'age-not-assured': ({ command, state }) => ({ command, state: { ...state, ageAssured: false } }),
    'wallet-frozen': ({ command, state }) => ({ command, state: { ...state, frozen: true } }),
    'cannot-gift-self': ({ command, state }) => ({
      command: { ...command, room: { open: true, ...command.room, creatorId: 'ann' } },
      state,
    }),
    'balance-too-low': ({ command, state }) => ({ command, state: { ...state, coins: 0 } }),
  };
  const answer = ({ command, state }: Case): WalletRefusal | null => {
    const decision = walletDecider.decide(command, state);
    return 'refused' in decision ? decision.refused : null;
  };

  it('allows the gift that all cases start from', () => expect(answer(allowed)).toBeNull());

  it.each(SEND_GIFT_REFUSALS)('refuses %s alone', (violation) => {
    expect(answer(violate[violation](allowed))).toBe(violation);
  });

  const pairs = SEND_GIFT_REFUSALS.flatMap((earlier, index) =>
    SEND_GIFT_REFUSALS.slice(index + 1).map((later) => [earlier, later] as const),
  );
  it.each(pairs)('answers %s before %s', (earlier, later) => {
    expect(answer(violate[earlier](violate[later](allowed)))).toBe(earlier);
  });
});

describe('importing a gift', () => {
  const importGift: ImportGift = {
    type: 'ImportGift',
    importId: 'line-1',
    viewerId: 'ann',
    roomId: 'r1',
    creatorId: 'cleo',
    coins: 7,
    creatorShareBps: 5_000,
    occurredAt: AT,
  };
  const boughtElsewhere = (revision: number, balance: number): CoinsPurchased => ({
    type: 'CoinsPurchased',
    schemaVersion: 1,
    data: {
      purchaseId: `ann.${revision}` as PurchaseId,
      viewerId: 'ann',
      coins: 7,
      price: null,
      provider: 'import',
      paymentId: 'line-1',
      balance,
      occurredAt: AT,
    },
  });
  const cheered = (revision: number, balance: number): GiftSent =>
    giftSent(revision, {
      gift: 'cheer',
      quantity: 7,
      priceCoins: 1,
      coins: 7,
      diamonds: 350,
      streak: null,
      balance,
      imported: true,
      importId: 'line-1',
    });

  it('opens the wallet of an unknown viewer', () => {
    given()
      .when(importGift)
      .then(
        {
          type: 'WalletOpened',
          schemaVersion: 1,
          data: { viewerId: 'ann', region: 'ZZ', ageAssured: false, imported: true, occurredAt: AT },
        },
        boughtElsewhere(1, 7),
        cheered(2, 0),
      );
  });

  it('asks neither age nor balance, and leaves what was held as it was', () => {
    given(minor, bought(100)).when(importGift).then(boughtElsewhere(2, 107), cheered(3, 100));
  });
});
