import type { CommandTicket, Decided } from '@livegift/command-handling';
import type { BulkGiftLine, LineAnswer } from '@livegift/contracts';
import { walletStream, type GiftSent, type SendGift, type WalletEvent, type WalletState } from '@livegift/domain';
import { pause, type Diamonds, type Refused, type Scheduler } from '@livegift/kernel';
import type { Catalogue } from '../catalogue/catalogue.js';
import type { CreatorEarnings } from '../creators/creator-earnings.js';
import type { RoomReference, RoomReferences } from '../rooms/room-references.js';
import type { WalletCommands } from '../wallets/wallet-commands.js';
import { hashGift, type Gifts } from './gifts.js';

export interface NumberedGiftLine {
  readonly line: number;
  readonly body: BulkGiftLine;
}

/** Lines that are put into their lanes in one go, so that others get a turn in between. */
const SLICE_LINES = 500;

/** Sends gifts by the thousand: lines of one wallet in line order, different wallets side by side. */
export class BulkGifts {
  constructor(
    private readonly commands: WalletCommands,
    private readonly gifts: Gifts,
    private readonly rooms: RoomReferences,
    private readonly earnings: CreatorEarnings,
    private readonly catalogue: Catalogue,
    private readonly scheduler: Scheduler,
  ) {}

  /** One answer a line, in the order of the lines. Never rejects for what happens to a line. */
  async send(lines: readonly NumberedGiftLine[], correlationId: string): Promise<LineAnswer[]> {
    const answers = new LineAnswers(lines.length);
    for (let from = 0; from < lines.length; from += SLICE_LINES) {
      if (from > 0) await pause(this.scheduler, 0);
      await this.#submit(lines.slice(from, from + SLICE_LINES), from, correlationId, answers);
    }
    return answers.complete;
  }

  /** What lines need is fetched before, so that nothing comes between two lines of one wallet. */
  async #submit(
    lines: readonly NumberedGiftLine[],
    firstIndex: number,
    correlationId: string,
    answers: LineAnswers,
  ): Promise<void> {
    const rooms = await this.#roomsOf(lines);
    const earnings = await this.#earningsOf([...rooms.values()]);
    const catalogueKnown = this.catalogue.isFresh() || (await succeeds(this.catalogue.refresh()));
    lines.forEach(({ line, body }, index) => {
      const room = rooms.get(body.roomId);
      const earned = room ? earnings.get(room.creatorId) : 0;
      if (room === undefined || earned === undefined || !catalogueKnown) {
        answers.put(firstIndex + index, { line, status: 'retry', code: 'unavailable' });
        return;
      }
      const command = this.gifts.commandFor(body.roomId, body, room, earned);
      const ticket = new GiftLineTicket(line, firstIndex + index, body, command, correlationId, answers, this.gifts);
      this.commands.submit(walletStream(body.viewerId), ticket);
    });
  }

  /** Null: there is no such room. Left out: the store did not say. */
  #roomsOf(lines: readonly NumberedGiftLine[]): Promise<ReadonlyMap<string, RoomReference | null>> {
    return knownOf(
      lines.map(({ body }) => body.roomId),
      this.rooms,
    );
  }

  /** Left out: the store did not say. */
  #earningsOf(rooms: readonly (RoomReference | null)[]): Promise<ReadonlyMap<string, Diamonds>> {
    return knownOf(
      rooms.flatMap((room) => (room === null ? [] : [room.creatorId])),
      this.earnings,
    );
  }
}

interface References<Value> {
  cached(id: string): Value | undefined;
  get(id: string): Promise<Value>;
}

/** What is known of each id, read where it is not cached; lines whose reading fails are answered `retry`. */
async function knownOf<Value>(
  ids: readonly string[],
  references: References<Value>,
): Promise<ReadonlyMap<string, Value>> {
  const known = new Map<string, Value>();
  const missing = new Set<string>();
  for (const id of ids) {
    if (known.has(id) || missing.has(id)) continue;
    const cached = references.cached(id);
    if (cached === undefined) missing.add(id);
    else known.set(id, cached);
  }
  const read = async (id: string): Promise<void> => {
    try {
      known.set(id, await references.get(id));
    } catch {
      // Left out.
    }
  };
  if (missing.size > 0) await Promise.all([...missing].map(read));
  return known;
}

async function succeeds(work: Promise<unknown>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch {
    return false;
  }
}

/** Collects answers as they come; complete when every line has one. */
class LineAnswers {
  readonly complete: Promise<LineAnswer[]>;
  readonly #answers: LineAnswer[];
  #wanted: number;
  #resolve!: (answers: LineAnswer[]) => void;

  constructor(count: number) {
    this.#answers = Array.from({ length: count });
    this.#wanted = count;
    this.complete = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    if (count === 0) this.#resolve(this.#answers);
  }

  put(index: number, answer: LineAnswer): void {
    this.#answers[index] = answer;
    if (--this.#wanted === 0) this.#resolve(this.#answers);
  }
}

class GiftLineTicket implements CommandTicket<SendGift, WalletEvent, WalletState> {
  readonly idempotencyKey: string;
  readonly bodyHash: string;

  constructor(
    private readonly line: number,
    private readonly index: number,
    body: BulkGiftLine,
    readonly command: SendGift,
    readonly correlationId: string,
    private readonly answers: LineAnswers,
    private readonly gifts: Gifts,
  ) {
    this.idempotencyKey = body.idempotencyKey;
    this.bodyHash = hashGift(body.roomId, body);
  }

  accepted(decided: Decided<WalletEvent, WalletState>): void {
    this.gifts.noteSent(decided);
    const { events, position, replayed } = decided;
    const { giftId } = (events[0] as GiftSent).data;
    const status = replayed ? 'replayed' : 'accepted';
    this.answers.put(this.index, { line: this.line, status, giftId, position });
  }

  refused({ refused }: Refused): void {
    this.answers.put(this.index, { line: this.line, status: 'refused', code: refused });
  }

  failed({ code }: { readonly code: string }): void {
    this.answers.put(this.index, { line: this.line, status: 'retry', code });
  }
}
