import { instant } from '@livegift/kernel';
import type { SeededRandom, VirtualWorld } from '@livegift/testing';
import type { Asked, Wish } from './asked.js';
import type { Platform } from './platform.js';

/** How much is done in one run, and to whom. Few names, so that everything collides. */
export interface WorkloadSize {
  readonly viewers: number;
  readonly creators: number;
  readonly rooms: number;
  readonly wishes: number;
  readonly overMs: number;
}

export function drawWorkloadSize(random: SeededRandom): WorkloadSize {
  return {
    viewers: random.int(1, 5),
    creators: random.int(1, 3),
    rooms: random.int(1, 4),
    wishes: random.int(15, 70),
    overMs: random.between(500, 12_000),
  };
}

const GIFTS = ['cheer', 'cheer', 'rose', 'rose', 'finger-heart', 'perfume', 'no-such-gift'] as const;
/** How long ago imported history happened, at most. */
const HISTORY_MS = 40 * 24 * 3_600_000;

type Purchase = Extract<Wish, { kind: 'purchase' }>;

/** Draws wishes and has the platform pursue them, each at a time of its own. */
export class Workload {
  readonly #random: SeededRandom;
  readonly #payments: string[] = [];
  readonly #imports: Extract<Wish, { kind: 'import' }>['body'][] = [];
  #made = 0;
  #unsettled = 0;
  #toBegin = 0;

  constructor(
    private readonly world: VirtualWorld,
    private readonly platform: Platform,
    private readonly size: WorkloadSize,
  ) {
    this.#random = world.random.fork();
  }

  /** Everything that was wished is settled. */
  get over(): boolean {
    return this.#toBegin === 0 && this.#unsettled === 0;
  }

  begin(): void {
    const { viewers, rooms, wishes, overMs } = this.size;
    for (let i = 1; i <= viewers; i++) {
      this.#at(this.#random.between(0, overMs / 8), () => this.#openWallet(`viewer-${i}`));
      this.#at(this.#random.between(overMs / 10, overMs / 3), () => this.#purchase(`viewer-${i}`));
    }
    for (let i = 1; i <= rooms; i++) this.#at(this.#random.between(0, overMs / 8), () => this.#openRoom(`room-${i}`));
    for (let made = 0; made < wishes;) {
      const atMs = this.#random.between(0, overMs);
      const burst = this.#random.chance(0.2) ? this.#random.int(2, 6) : 1;
      for (let i = 0; i < burst; i++) this.#at(atMs, () => this.#something());
      made += burst;
    }
  }

  #at(delayMs: number, wish: () => Promise<void>): void {
    this.#toBegin++;
    this.world.schedule(delayMs, 'platform wishes', () => {
      this.#toBegin--;
      this.#unsettled++;
      void wish().finally(() => this.#unsettled--);
    });
  }

  #something(): Promise<void> {
    const random = this.#random;
    switch (
      random.weighted({
        gift: 45,
        bulk: 10,
        purchase: 18,
        import: 8,
        otherBody: 6,
        details: 4,
        close: 3,
        open: 4,
        wallet: 2,
      })
    ) {
      case 'gift':
        return this.platform.pursue(this.#gift(), this.#repeats());
      case 'bulk':
        return this.platform.pursueAll(Array.from({ length: random.int(2, 9) }, () => this.#gift()));
      case 'purchase':
        return this.#purchase(this.#viewer());
      case 'import':
        return this.platform.pursueAll(Array.from({ length: random.int(1, 7) }, () => this.#imported()));
      case 'otherBody':
        return this.#sameKeyOtherBody();
      case 'details':
        return this.#changeDetails(this.#viewer());
      case 'close':
        return this.platform.pursue(this.#wish({ kind: 'close-room', roomId: this.#room() }), this.#repeats());
      case 'open':
        return this.#openRoom(this.#room());
      case 'wallet':
        return this.#openWallet(this.#viewer());
    }
  }

  #gift(): Asked {
    const random = this.#random;
    const quantity = random.chance(0.1) ? random.int(50, 5_000) : random.int(1, 6);
    const name = random.chance(0.3) ? { name: `Name ${random.int(1, 3)}`, avatarUrl: null } : null;
    return this.#wish({
      kind: 'gift',
      roomId: random.chance(0.02) ? 'room-unknown' : this.#room(),
      body: {
        viewerId: random.chance(0.02) ? 'viewer-unknown' : this.#viewer(),
        gift: random.pick(GIFTS),
        quantity,
        message: random.chance(0.2) ? 'hello' : null,
        sender: name,
      },
    });
  }

  #imported(): Asked {
    const random = this.#random;
    let body = this.#imports.length > 0 && random.chance(0.25) ? random.pick(this.#imports) : null;
    if (body !== null && random.chance(0.15)) body = { ...body, coins: body.coins + 1 };
    if (body === null) {
      const room = random.int(1, this.size.rooms + 1);
      body = {
        importId: `line-${this.#imports.length + 1}`,
        at: instant(Math.floor(this.world.nowMs) - random.int(60_000, HISTORY_MS)),
        roomId: `room-${room}`,
        creatorId: this.#creatorOf(random.chance(0.1) ? room + 1 : room),
        viewerId: `viewer-${random.int(1, this.size.viewers + 1)}`,
        coins: random.int(1, 40),
      };
      this.#imports.push(body);
    }
    return this.platform.wish({ kind: 'import', body }, null);
  }

  async #openWallet(viewerId: string): Promise<void> {
    const ageAssured = !this.#random.chance(0.05);
    await this.platform.pursue(this.#wish({ kind: 'open-wallet', body: { viewerId, region: 'DE', ageAssured } }), 1);
  }

  async #changeDetails(viewerId: string): Promise<void> {
    const body = { region: this.#random.pick(['DE', 'FR']), ageAssured: this.#random.chance(0.85) };
    await this.platform.pursue(this.#wish({ kind: 'change-details', viewerId, body }), this.#repeats());
  }

  async #openRoom(roomId: string): Promise<void> {
    const creatorId = this.#creatorOf(Number(roomId.slice('room-'.length)));
    const title = this.#random.chance(0.5) ? `Live from ${roomId}` : null;
    await this.platform.pursue(this.#wish({ kind: 'open-room', body: { roomId, creatorId, title } }), this.#repeats());
  }

  async #purchase(viewerId: string): Promise<void> {
    const random = this.#random;
    const again = this.#payments.length > 0 && random.chance(0.2);
    const paymentId = again ? random.pick(this.#payments) : `pay ${this.#payments.length + 1}/é`;
    if (!again) this.#payments.push(paymentId);
    const coins = random.chance(0.2) ? random.int(100, 2_000) : random.int(1, 25);
    const body = { coins, price: { amountMinor: 499, currency: 'USD' }, provider: 'stripe', paymentId };
    const asked = this.#wish({ kind: 'purchase', viewerId, body });
    const pursued = this.platform.pursue(asked, this.#repeats());
    if (random.chance(0.15)) await this.#sameKeyMeanwhile(asked.key!, viewerId, body);
    await pursued;
  }

  /** While the purchase is under way its key comes with another payment, or with a gift: one of the two acts. */
  async #sameKeyMeanwhile(key: string, viewerId: string, body: Purchase['body']): Promise<void> {
    const random = this.#random;
    const delayMs = random.between(0, 40);
    await new Promise<void>((resolve) => this.world.schedule(delayMs, 'the same key meanwhile', resolve));
    if (random.chance(0.5)) {
      const paymentId = `pay ${this.#payments.length + 1}/é`;
      this.#payments.push(paymentId);
      await this.platform.pursue(
        this.platform.wish({ kind: 'purchase', viewerId, body: { ...body, paymentId } }, key),
        this.#repeats(),
      );
    } else {
      const gift = { kind: 'gift', roomId: this.#room(), body: { viewerId, gift: random.pick(GIFTS) } } as const;
      await this.platform.pursue(this.platform.wish(gift, key), this.#repeats());
    }
  }

  async #sameKeyOtherBody(): Promise<void> {
    const gifts = this.platform.asked.filter(({ wish, accepted }) => wish.kind === 'gift' && accepted !== null);
    if (gifts.length === 0) return;
    const first = this.#random.pick(gifts);
    const wish = first.wish as Extract<Wish, { kind: 'gift' }>;
    const body = { ...wish.body, quantity: (wish.body.quantity ?? 1) + 1 };
    await this.platform.pursue(this.platform.wish({ ...wish, body }, first.key));
  }

  #wish(wish: Wish): Asked {
    return this.platform.wish(wish, `key-${++this.#made}`);
  }

  #repeats(): number {
    return this.#random.chance(0.35) ? this.#random.int(1, 2) : 0;
  }

  /** The first is hot. */
  #viewer(): string {
    return this.#random.chance(0.4) ? 'viewer-1' : `viewer-${this.#random.int(1, this.size.viewers)}`;
  }

  #room(): string {
    return this.#random.chance(0.4) ? 'room-1' : `room-${this.#random.int(1, this.size.rooms)}`;
  }

  /** A viewer may be a creator: then it cannot send to itself. */
  #creatorOf(room: number): string {
    const number = 1 + (room % this.size.creators);
    return number === 3 ? 'viewer-2' : `creator-${number}`;
  }
}
