import { type CommandContext, CommandError, type CommandOutcome } from '@livegift/command-handling';
import type { HistoryLine, LineAnswer } from '@livegift/contracts';
import type { GiftApplication } from '@livegift/gift-api/gift-application';
import { Asked, bulkLine, type Moment, type Result, type Wish } from './asked.js';
import { lineResult, resultOf, tell } from './results.js';
import type { SimulatedProcess, SeededRandom, SimulatedStoreServer, VirtualWorld } from '@livegift/testing';

/** A process that takes commands now. */
export interface Door {
  readonly process: SimulatedProcess;
  readonly application: GiftApplication;
}

const BACK_OFF_MS_MAX = 400;

/**
 * The live-stream platform: it asks, waits only so long, and asks again under the same key until it knows. It writes
 * down everything that it was told, for the audit.
 */
export class Platform {
  readonly asked: Asked[] = [];
  readonly findings: string[] = [];
  /** Lines of one bulk or import request, for the order that they promise. */
  readonly requests: {
    readonly kind: 'bulk' | 'import';
    readonly tookMs: number;
    readonly lines: readonly { asked: Asked; result: Result }[];
  }[] = [];
  /** Every import, answered or not: what it brings into the log carries its correlation id. */
  readonly imports: { readonly correlationId: string; readonly importIds: readonly string[] }[] = [];
  readonly #random: SeededRandom;
  #correlations = 0;

  constructor(
    private readonly world: VirtualWorld,
    private readonly server: SimulatedStoreServer,
    private readonly doors: () => readonly Door[],
    private readonly patienceMs: number,
  ) {
    this.#random = world.random.fork();
  }

  wish(wish: Wish, key: string | null): Asked {
    const asked = new Asked(this.asked.length + 1, wish, key);
    this.asked.push(asked);
    return asked;
  }

  /** Asks until it is settled, then sometimes once more, to see whether the answer is the same. */
  async pursue(asked: Asked, repeats = 0): Promise<void> {
    while (!asked.settled) {
      const attempts = [this.attempt([asked], this.#random.chance(0.3))];
      // Sent twice at once, perhaps to two processes: one acts, the other gets its answer.
      if (asked.key !== null && this.#random.chance(0.1)) attempts.push(this.attempt([asked], false));
      await Promise.all(attempts);
      if (!asked.settled) await this.pause(this.#random.between(1, BACK_OFF_MS_MAX));
    }
    for (let i = 0; i < repeats; i++) {
      await this.pause(this.#random.between(0, 2_000));
      if (asked.accepted !== null) await this.attempt([asked], this.#random.chance(0.5));
    }
  }

  /** The same for several at once, in bulk first; what is not settled then is pursued one by one. */
  async pursueAll(all: readonly Asked[]): Promise<void> {
    await this.attempt(all, true);
    await Promise.all(all.map((asked) => this.pursue(asked)));
  }

  pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.world.schedule(delayMs, 'platform goes on', resolve);
    });
  }

  /** One request; resolves with its answer, or when the platform waits no longer. */
  async attempt(all: readonly Asked[], inBulk: boolean): Promise<void> {
    const doors = this.doors();
    if (doors.length === 0) return;
    const door = this.#random.pick(doors);
    const began = this.#moment();
    const { kind } = all[0]!.wish;
    const lines = kind === 'import' || (kind === 'gift' && inBulk) || all.length > 1;
    for (const asked of all) asked.open++;
    const waiting = new Set(all);
    const told = (asked: Asked, result: Result): void => {
      asked.open--;
      waiting.delete(asked);
      asked.attempts.push({ process: door.process.name, began, ended: this.#moment(), result });
      this.world.trace.add(`  told ${asked.key ?? asked.stream}: ${tell(result)}`);
      this.#check(asked, result);
    };
    const answered = lines ? this.#askInLines(door, all, told) : this.#askOne(door, all[0]!, told);
    await this.#within(door, answered);
    // What was not answered in time is lost for now; if its answer comes after all, it counts.
    for (const asked of waiting) {
      asked.attempts.push({ process: door.process.name, began, ended: this.#moment(), result: { kind: 'lost' } });
    }
  }

  async #within(door: Door, answered: Promise<void>): Promise<void> {
    await new Promise<void>((resolve) => {
      const patience = this.world.schedule(this.patienceMs, 'platform waits no longer', resolve);
      const end = (): void => {
        patience.cancel();
        resolve();
      };
      door.process.onCrash(end);
      void answered.then(end, end);
    });
  }

  async #askOne(door: Door, asked: Asked, told: (asked: Asked, result: Result) => void): Promise<void> {
    try {
      const outcome = await this.#dispatch(door.application, asked);
      told(asked, resultOf(outcome));
    } catch (error) {
      told(asked, this.#failure(asked, error));
    }
  }

  #dispatch(
    { wallets, purchases, rooms, gifts }: GiftApplication,
    { wish, key }: Asked,
  ): Promise<CommandOutcome<object>> {
    const context: CommandContext = { idempotencyKey: key, correlationId: this.#correlationId() };
    switch (wish.kind) {
      case 'open-wallet':
        return wallets.open(wish.body, context);
      case 'change-details':
        return wallets.changeDetails(wish.viewerId, wish.body, context);
      case 'purchase':
        return purchases.purchase(wish.viewerId, wish.body, context);
      case 'open-room':
        return rooms.open(wish.body, context);
      case 'close-room':
        return rooms.close(wish.roomId, context);
      case 'gift':
        return gifts.send(wish.roomId, wish.body, context);
      case 'import':
        throw new Error('history is imported in lines');
    }
  }

  async #askInLines(door: Door, all: readonly Asked[], told: (asked: Asked, result: Result) => void): Promise<void> {
    const { application } = door;
    const beganMs = this.world.nowMs;
    const kind = all[0]!.wish.kind === 'import' ? 'import' : 'bulk';
    try {
      const answers = await (kind === 'import'
        ? this.#import(
            application,
            all.map(({ wish }) => (wish.kind === 'import' ? wish.body : never())),
          )
        : application.bulkGifts.send(
            all.map(({ wish, key }, index) => ({
              line: index + 1,
              body: wish.kind === 'gift' ? bulkLine(wish, key!) : never(),
            })),
            this.#correlationId(),
          ));
      if (answers.length !== all.length) this.findings.push(`${answers.length} answers to ${all.length} lines`);
      const results = answers.map((answer, index) => ({ asked: all[index]!, result: lineResult(answer) }));
      this.requests.push({ kind, tookMs: this.world.nowMs - beganMs, lines: results });
      answers.forEach(({ line }, index) => {
        if (line !== index + 1) this.findings.push(`line ${line} was answered in place ${index + 1}`);
      });
      for (const { asked, result } of results) told(asked, result);
    } catch (error) {
      for (const asked of all) told(asked, this.#failure(asked, error));
    }
  }

  #import(application: GiftApplication, bodies: readonly HistoryLine[]): Promise<readonly LineAnswer[]> {
    const correlationId = this.#correlationId();
    this.imports.push({ correlationId, importIds: bodies.map(({ importId }) => importId) });
    return application.history.import(
      bodies.map((body, index) => ({ line: index + 1, body })),
      correlationId,
    );
  }

  /** What must hold the moment that the answer is there. */
  #check(asked: Asked, result: Result): void {
    if (result.kind !== 'accepted') return;
    if (result.position !== null && result.position > (this.server.log.head() ?? '')) {
      this.findings.push(`answered before it was durable: ${asked.toString()} at ${result.position}`);
    }
  }

  #failure(asked: Asked, error: unknown): Result {
    if (error instanceof CommandError) return { kind: 'failed', code: error.code };
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.findings.push(`an unexpected error: ${asked.toString()}: ${text}`);
    return { kind: 'failed', code: 'unexpected' };
  }

  #moment(): Moment {
    return { atMs: this.world.nowMs, logLength: this.server.log.length };
  }

  #correlationId(): string {
    return `correlation-${++this.#correlations}`;
  }
}

function never(): never {
  throw new Error('lines of one request are of one kind');
}
