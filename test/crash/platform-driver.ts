import type { Answer, ApiClient } from '../support/api-client.js';
import { Chances } from './chances.js';

const WALLETS = 30;
const HOT_WALLET = 'hot-viewer';
const HOT_ROOM = 'hot-room';
/** The hot room and another one are the same creator's: the hot creator. */
const ROOMS: readonly (readonly [room: string, creator: string])[] = [
  [HOT_ROOM, 'hot-creator'],
  ['second-room', 'hot-creator'],
  ['room-3', 'creator-3'],
  ['room-4', 'creator-4'],
];
const GIFTS: readonly string[] = ['cheer', 'rose', 'finger-heart', 'perfume'];
/** A room of imported history, in an hour long ago. */
const PAST = { at: '2016-07-09T07:30:00Z', roomId: 'past-room', creatorId: 'hot-creator' };
const COINS_AT_START = 500;
const RETRY_MS = 60;
/** Nobody answers while the engine starts: asking more often would only keep it from starting. */
const ABSENT_MS = 200;
/** A command that finds no definite answer for so long, with nobody killing the engine any more, is a failure of its own. */
const PATIENCE_MS = 60_000;

/** A command that was accepted, with all that is needed to ask for its answer again. */
export interface Acknowledged {
  readonly path: string;
  readonly key: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly status: number;
  readonly answer: Readonly<Record<string, unknown>>;
}

/** A bulk line that was accepted. */
export interface AcknowledgedLine {
  readonly line: Readonly<Record<string, unknown>>;
  readonly giftId: string;
}

/**
 * A live-stream platform that never gives up: every command is repeated under its key until its answer is definite. So at
 * the end the log must hold exactly the accepted ones.
 */
export class PlatformDriver {
  readonly acknowledged: Acknowledged[] = [];
  readonly lines: AcknowledgedLine[] = [];
  /** Lines of history that were accepted. */
  readonly imported: Readonly<Record<string, unknown>>[] = [];
  readonly complaints: string[] = [];
  /** Refused for good reasons, by code. */
  readonly refusals = new Map<string, number>();
  /** Answers that were not definite: 503, 409, no answer at all. */
  repeats = 0;
  replaysAsked = 0;
  #commands = 0;
  #stoppedAtMs: number | null = null;

  constructor(
    private readonly api: Pick<ApiClient, 'keyed' | 'lines'>,
    private readonly chances: Chances,
    /** Between two commands of one worker. */
    private readonly paceMs = 0,
  ) {}

  get hotRoom(): string {
    return HOT_ROOM;
  }

  get accepted(): number {
    return this.acknowledged.length + this.lines.length + this.imported.length;
  }

  async furnish(): Promise<void> {
    for (const [roomId, creatorId] of ROOMS) await this.#post('/v1/rooms', { roomId, creatorId, title: null });
    for (const viewerId of this.#viewers()) {
      await this.#post('/v1/wallets', { viewerId, region: 'DE', ageAssured: true });
      await this.#buy(viewerId, viewerId === HOT_WALLET ? COINS_AT_START * 100 : COINS_AT_START);
    }
  }

  /** Sends commands, `workers` at a time, until `stop`. */
  async run(workers: number): Promise<void> {
    await Promise.all(Array.from({ length: workers }, () => this.#work()));
  }

  stop(): void {
    this.#stoppedAtMs = Date.now();
  }

  async #work(): Promise<void> {
    while (this.#stoppedAtMs === null) {
      const chance = this.chances.next();
      if (chance < 0.55) await this.#sendGift();
      else if (chance < 0.7) await this.#sendBulk();
      else if (chance < 0.77) await this.#importHistory();
      else if (chance < 0.9) await this.#buy(this.#viewer(), this.chances.between(1, 400));
      else await this.#askAgain();
      if (this.paceMs > 0) await new Promise((done) => setTimeout(done, this.paceMs));
    }
  }

  async #sendGift(): Promise<void> {
    const [roomId] = this.#room();
    const gift = { viewerId: this.#viewer(), gift: this.chances.pick(GIFTS), quantity: this.chances.between(1, 5) };
    await this.#post(`/v1/rooms/${roomId}/gifts`, gift);
  }

  async #buy(viewerId: string, coins: number): Promise<void> {
    const payment = { provider: 'shop', paymentId: `payment/${this.#commands} #${coins}` };
    await this.#post(`/v1/wallets/${viewerId}/purchases`, {
      coins,
      price: { amountMinor: coins, currency: 'EUR' },
      ...payment,
    });
  }

  /** A command that was answered long ago: the same answer again, and nothing else. */
  async #askAgain(): Promise<void> {
    if (this.acknowledged.length === 0) return;
    this.replaysAsked += 1;
    const before = this.chances.pick(this.acknowledged);
    const again = await this.#definite(before.path, before.key, before.body);
    if (again !== null) this.complaints.push(...differences(before, again));
  }

  async #sendBulk(): Promise<void> {
    const lines = Array.from({ length: this.chances.between(1, 30) }, () => ({
      idempotencyKey: this.#key(),
      roomId: this.#room()[0],
      viewerId: this.#viewer(),
      gift: this.chances.pick(GIFTS),
      quantity: this.chances.between(1, 3),
    }));
    await this.#definiteLines('/v1/gifts/bulk', lines, (line, giftId) => this.lines.push({ line, giftId }));
  }

  async #importHistory(): Promise<void> {
    const lines = Array.from({ length: this.chances.between(1, 15) }, () => ({
      ...PAST,
      importId: this.#key().replace(' ', ':'),
      viewerId: this.#viewer(),
      coins: this.chances.between(1, 9),
    }));
    await this.#definiteLines('/v1/history/import', lines, (line) => this.imported.push(line));
  }

  /** Sends lines until each has a definite answer. */
  async #definiteLines<Line extends Record<string, unknown>>(
    path: string,
    lines: readonly Line[],
    accepted: (line: Line, giftId: string) => void,
  ): Promise<void> {
    for (let open = [...lines]; open.length > 0;) {
      if (this.#outOfPatience())
        return void this.complaints.push(`${open.length} lines of ${path} found no definite answer`);
      open = await this.#attemptLines(path, open, accepted);
    }
  }

  /** @returns the lines to send again */
  async #attemptLines<Line extends Record<string, unknown>>(
    path: string,
    open: readonly Line[],
    accepted: (line: Line, giftId: string) => void,
  ): Promise<Line[]> {
    const answer = await this.api.lines<Record<string, unknown>>(path, open).catch(() => null);
    if (answer === null || answer.status !== 200) {
      if (answer !== null && answer.status !== 503) this.complaints.push(`${path} answered ${answer.status}`);
      return this.#later([...open], answer === null ? ABSENT_MS : RETRY_MS);
    }
    const again: Line[] = [];
    for (const [index, line] of open.entries()) {
      const { status, giftId, code } = answer.body[index] ?? { status: 'retry' };
      if (status === 'retry') again.push(line);
      else if (status === 'refused') this.#refused(String(code));
      else if (status === 'invalid') this.complaints.push(`a sound line is invalid: ${JSON.stringify(line)}`);
      else accepted(line, String(giftId));
    }
    return again.length === 0 ? again : this.#later(again, RETRY_MS);
  }

  async #later<Value>(value: Value, ms: number): Promise<Value> {
    this.repeats += 1;
    await new Promise((done) => setTimeout(done, ms));
    return value;
  }

  async #post(path: string, body: Record<string, unknown>): Promise<void> {
    const key = this.#key();
    const answer = await this.#definite(path, key, body);
    if (answer === null) return;
    const { status } = answer;
    if (status === 200 || status === 201) this.acknowledged.push({ path, key, body, status, answer: answer.body });
    else if (status >= 500 || status === 400)
      this.complaints.push(`${path} answered ${status} ${JSON.stringify(answer.body)}`);
    else this.#refused(String(answer.body['code']));
  }

  /** Repeats a command until its answer says what became of it. */
  async #definite(path: string, key: string, body: Readonly<Record<string, unknown>>): Promise<Answer | null> {
    let answer: Answer | null = null;
    while (!this.#outOfPatience()) {
      answer = await this.api.keyed(path, key, body).catch(() => null);
      const repeat = answer === null || answer.status === 503 || answer.body['code'] === 'contention';
      if (!repeat) return answer;
      await this.#later(null, answer === null ? ABSENT_MS : RETRY_MS);
    }
    const last = answer === null ? 'none' : `${answer.status} ${JSON.stringify(answer.body)}`;
    this.complaints.push(`${path} under ${key} found no definite answer in the end; the last was ${last}`);
    return null;
  }

  #outOfPatience(): boolean {
    return this.#stoppedAtMs !== null && Date.now() - this.#stoppedAtMs > PATIENCE_MS;
  }

  #refused(code: string): void {
    this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1);
  }

  #key(): string {
    this.#commands += 1;
    return `key ${this.#commands}`;
  }

  #viewers(): readonly string[] {
    return [HOT_WALLET, ...Array.from({ length: WALLETS }, (_, index) => `viewer-${index}`)];
  }

  #viewer(): string {
    return this.chances.oneIn(2) ? HOT_WALLET : this.chances.pick(this.#viewers());
  }

  #room(): readonly [room: string, creator: string] {
    return this.chances.oneIn(2) ? ROOMS[0]! : this.chances.pick(ROOMS);
  }
}

/** What a replay answers otherwise than the first time. */
export function differences(before: Acknowledged, again: Answer): string[] {
  const { path, key, status, answer } = before;
  const said = `${path} under ${key}`;
  const found: string[] = [];
  if (again.status !== status) found.push(`${said} answered ${status}, and ${again.status} when asked again`);
  if (JSON.stringify(again.body) !== JSON.stringify(answer)) {
    found.push(`${said} answered ${JSON.stringify(answer)}, and ${JSON.stringify(again.body)} when asked again`);
  }
  if (again.headers.get('idempotency-replayed') !== 'true') found.push(`${said} was not marked as replayed`);
  return found;
}
