import type { CommandTicket, Decided } from '@livegift/command-handling';
import type { BulkGiftLine, LineAnswer } from '@livegift/contracts';
import { walletStream, type GiftSent, type SendGift, type WalletEvent, type WalletState } from '@livegift/domain';
import { pause, type Refused, type Scheduler } from '@livegift/kernel';
import type { Catalogue } from '../catalogue/catalogue.js';
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
    const catalogueKnown = this.catalogue.isFresh() || (await succeeds(this.catalogue.refresh()));
    lines.forEach(({ line, body }, index) => {
      const room = rooms.get(body.roomId);
      if (room === undefined || !catalogueKnown) {
        answers.put(firstIndex + index, { line, status: 'retry', code: 'unavailable' });
        return;
      }
      const command = this.gifts.commandFor(body.roomId, body, room);
      const ticket = new GiftLineTicket(line, firstIndex + index, body, command, correlationId, answers);
      this.commands.submit(walletStream(body.viewerId), ticket);
    });
  }

  /** Null: there is no such room. Left out: the store did not say. */
  async #roomsOf(lines: readonly NumberedGiftLine[]): Promise<ReadonlyMap<string, RoomReference | null>> {
    const rooms = new Map<string, RoomReference | null>();
    const missing = new Set<string>();
    for (const { body } of lines) {
      if (rooms.has(body.roomId) || missing.has(body.roomId)) continue;
      const cached = this.rooms.cached(body.roomId);
      if (cached === undefined) missing.add(body.roomId);
      else rooms.set(body.roomId, cached);
    }
    const fetch = async (roomId: string): Promise<void> => {
      try {
        rooms.set(roomId, await this.rooms.get(roomId));
      } catch {
        // Its lines are answered `retry`.
      }
    };
    if (missing.size > 0) await Promise.all([...missing].map(fetch));
    return rooms;
  }
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
  ) {
    this.idempotencyKey = body.idempotencyKey;
    this.bodyHash = hashGift(body.roomId, body);
  }

  accepted({ events, position, replayed }: Decided<WalletEvent, WalletState>): void {
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
