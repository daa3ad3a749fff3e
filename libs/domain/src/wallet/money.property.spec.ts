import * as fc from 'fast-check';
import { isRefused, WALLET_COINS_MAX } from '@livegift/kernel';
import {
  InMemoryEventStore,
  MoneyScenario,
  NaiveLedger,
  type ScenarioGift,
  type ScenarioOutcome,
} from '@livegift/testing';

/** One of the few there are, so that commands meet: `ann` and `bob` are creators too. */
const viewer = fc.constantFrom('ann', 'bob', 'cem', 'dora');
const room = fc.constantFrom('r1', 'r2', 'r3');
const creator = fc.constantFrom('ann', 'bob', 'cleo');
/** Small ones that are enough and not, and those around the limits. */
const coins = fc.oneof(fc.integer({ min: 1, max: 300 }), fc.constantFrom(999_999_999, 1_000_000_000));

type Step =
  | { readonly do: 'open-wallet'; readonly viewerId: string; readonly ageAssured: boolean }
  | { readonly do: 'purchase'; readonly viewerId: string; readonly coins: number }
  | { readonly do: 'open-room'; readonly roomId: string; readonly creatorId: string }
  | { readonly do: 'close-room'; readonly roomId: string }
  | { readonly do: 'gift'; readonly gift: ScenarioGift }
  | {
      readonly do: 'import';
      readonly viewerId: string;
      readonly roomId: string;
      readonly creatorId: string;
      readonly coins: number;
    }
  | { readonly do: 'settle'; readonly giftsMax: number };

const gift: fc.Arbitrary<ScenarioGift> = fc.record({
  viewerId: viewer,
  roomId: room,
  gift: fc.constantFrom('rose', 'lion'),
  quantity: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.constant(999_999)),
  priceCoins: fc.constantFrom(1, 1, 5, 20, 34_999, null),
  creatorShareBps: fc.constantFrom(5_000, 3_333, 0, 10_000),
});

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant('open-wallet'), viewerId: viewer, ageAssured: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('purchase'), viewerId: viewer, coins }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('open-room'), roomId: room, creatorId: creator }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('close-room'), roomId: room }) },
  { weight: 12, arbitrary: fc.record({ do: fc.constant('gift'), gift }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('import'), viewerId: viewer, roomId: room, creatorId: creator, coins }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('settle'), giftsMax: fc.integer({ min: 1, max: 5 }) }) },
) as fc.Arbitrary<Step>;

/** The deciders and the ledger side by side: the ledger says beforehand what must be refused, and afterwards if all is well. */
class SideBySide {
  readonly ledger = new NaiveLedger();
  readonly #scenario = new MoneyScenario(new InMemoryEventStore('b7a1b1c5-0000-4000-8000-000000000001'));
  readonly #rooms = new Map<string, { readonly creatorId: string; open: boolean }>();
  #applied = 0;

  async run(step: Step): Promise<void> {
    const expected = this.#expected(step);
    const outcome = await this.#do(step);
    if (expected !== undefined) expect({ step, refused: refusalOf(outcome) }).toEqual({ step, refused: expected });
    if (outcome !== undefined && !isRefused(outcome)) this.#note(step);
    await this.check(false);
  }

  async finish(): Promise<void> {
    await this.#scenario.settle();
    await this.check(true);
    const totals = this.ledger.totals();
    expect(totals.purchasedCoins).toBe(totals.heldCoins + totals.spentCoins);
    expect(totals.spentCoins * 100n).toBe(totals.earnedDiamonds + totals.platformDiamonds);
    expect(totals.creditedDiamonds).toBe(totals.earnedDiamonds);
  }

  async check(settled: boolean): Promise<void> {
    const log = await this.#scenario.log();
    for (; this.#applied < log.length; this.#applied++) this.ledger.applyEvent(log[this.#applied]!);
    expect(this.ledger.findings({ settled })).toEqual([]);
  }

  async #do(step: Step): Promise<ScenarioOutcome | undefined> {
    switch (step.do) {
      case 'open-wallet':
        return this.#scenario.openWallet(step.viewerId, step.ageAssured);
      case 'purchase':
        return this.#scenario.purchase(step.viewerId, step.coins);
      case 'open-room':
        return this.#scenario.room(step.roomId, step.creatorId);
      case 'close-room':
        return this.#scenario.closeRoom(step.roomId);
      case 'gift':
        return this.#scenario.gift(step.gift);
      case 'import':
        return this.#scenario.importGift(step.viewerId, step.roomId, step.creatorId, step.coins);
      case 'settle':
        await this.#scenario.settle(step.giftsMax);
        return undefined;
    }
  }

  /** The refusal that the rules ask for, null for none, undefined where this test has nothing to say. */
  #expected(step: Step): string | null | undefined {
    switch (step.do) {
      case 'gift':
        return this.#expectedOfGift(step.gift);
      case 'purchase': {
        const wallet = this.ledger.wallet(step.viewerId);
        if (wallet === undefined) return 'wallet-not-found';
        if (!wallet.ageAssured) return 'age-not-assured';
        return wallet.coins + BigInt(step.coins) > BigInt(WALLET_COINS_MAX) ? 'balance-limit' : null;
      }
      case 'import': {
        const known = this.#rooms.get(step.roomId);
        return known !== undefined && known.creatorId !== step.creatorId ? 'room-creator-mismatch' : null;
      }
      default:
        return undefined;
    }
  }

  #expectedOfGift(gift: ScenarioGift): string | null {
    const wallet = this.ledger.wallet(gift.viewerId);
    const known = this.#rooms.get(gift.roomId);
    if (wallet === undefined) return 'wallet-not-found';
    if (known === undefined) return 'room-not-found';
    if (!known.open) return 'room-closed';
    if (typeof gift.priceCoins !== 'number') return 'gift-unknown';
    const required = BigInt(gift.quantity!) * BigInt(gift.priceCoins);
    if (required > 10n ** 9n) return 'amount-limit';
    if (!wallet.ageAssured) return 'age-not-assured';
    if (known.creatorId === gift.viewerId) return 'cannot-gift-self';
    return wallet.coins < required ? 'balance-too-low' : null;
  }

  #note(step: Step): void {
    if (step.do === 'close-room') this.#rooms.get(step.roomId)!.open = false;
    if ((step.do === 'open-room' || step.do === 'import') && !this.#rooms.has(step.roomId)) {
      this.#rooms.set(step.roomId, { creatorId: step.creatorId, open: step.do === 'open-room' });
    }
  }
}

function refusalOf(outcome: ScenarioOutcome | undefined): string | null {
  return outcome !== undefined && isRefused(outcome) ? outcome.refused : null;
}

it('keeps every rule of the money, whatever comes in whatever order', async () => {
  let gifts = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 60, size: 'max' }), async (steps) => {
      const both = new SideBySide();
      for (const viewerId of ['ann', 'bob']) {
        await both.run({ do: 'open-wallet', viewerId, ageAssured: true });
        await both.run({ do: 'purchase', viewerId, coins: 500 });
      }
      await both.run({ do: 'open-room', roomId: 'r1', creatorId: 'cleo' });
      for (const each of steps) await both.run(each);
      await both.finish();
      gifts += both.ledger.totals().gifts;
    }),
    { numRuns: 60 },
  );
  expect(gifts).toBeGreaterThan(100);
}, 60_000);
