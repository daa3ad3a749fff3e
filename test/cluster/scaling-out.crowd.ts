import { ApiClient, type Answer } from '../support/api-client.js';

const ROOMS = 6;
const CREATORS = 3;
const VIEWERS = 8;
const COINS_EACH = 1_000_000;
export const price = { amountMinor: 499, currency: 'USD' };
const AGAIN_MS = 50;
/** Nobody waits longer for an answer that says what became of a command. */
const DEFINITE_MS_MAX = 60_000;

/**
 * Sends a command until its answer is definite, each time to the next of the processes: one that died, or does not know the
 * outcome, is no reason to give up, and the key keeps the command from acting twice.
 */
export async function definite(apis: readonly ApiClient[], path: string, key: string, body: unknown): Promise<Answer> {
  let last: Answer | null = null;
  for (let turn = 0, end = Date.now() + DEFINITE_MS_MAX; Date.now() < end; turn++) {
    last = await apis[turn % apis.length]!.keyed(path, key, body).catch(() => null);
    if (last !== null && last.status !== 503 && last.body['code'] !== 'contention') return last;
    await new Promise((done) => setTimeout(done, AGAIN_MS));
  }
  throw new Error(`no definite answer to ${path} under ${key}; the last was ${JSON.stringify(last?.body ?? null)}`);
}

/** A viewer with coins. */
export async function openWallet(api: ApiClient, viewerId: string, coins: number): Promise<void> {
  const opened = await api.post('/v1/wallets', { viewerId, region: 'FR', ageAssured: true });
  const payment = { coins, price, provider: 'shop', paymentId: viewerId };
  const bought = await definite([api], `/v1/wallets/${viewerId}/purchases`, 'first coins', payment);
  if (opened.status !== 201 || bought.status !== 201) {
    throw new Error(`${viewerId} has no wallet: ${JSON.stringify([opened.body, bought.body])}`);
  }
}

/** Viewers who send gifts into some rooms all the time, through whichever process is there. */
export class Crowd {
  /** The gifts that were accepted. */
  readonly giftIds: string[] = [];
  readonly #apis: readonly ApiClient[];
  #sent = 0;
  #isSending = false;
  #sending: Promise<unknown> = Promise.resolve();

  constructor(
    urls: readonly string[],
    private readonly name: string,
  ) {
    this.#apis = urls.map((url) => new ApiClient(url));
  }

  get rooms(): readonly string[] {
    return Array.from({ length: ROOMS }, (_, index) => `${this.name}-room-${index}`);
  }

  /** Rooms that are open, and viewers with coins. */
  async furnish(): Promise<void> {
    const rooms = this.rooms.map((roomId, index) =>
      this.#accepted('/v1/rooms', roomId, { roomId, creatorId: `${this.name}-creator-${index % CREATORS}` }),
    );
    const wallets = Array.from({ length: VIEWERS }, (_, index) =>
      openWallet(this.#apis[0]!, this.#viewer(index), COINS_EACH),
    );
    await Promise.all([...rooms, ...wallets]);
  }

  /** So many gifts. */
  async send(count: number): Promise<void> {
    const end = this.giftIds.length + count;
    await this.#sendWhile(() => this.giftIds.length < end);
  }

  /** Goes on sending until `stop`. */
  start(): void {
    this.#isSending = true;
    this.#sending = this.#sendWhile(() => this.#isSending);
  }

  /** Resolves when all that was begun has been accepted. */
  async stop(): Promise<void> {
    this.#isSending = false;
    await this.#sending;
  }

  async #sendWhile(goesOn: () => boolean): Promise<void> {
    const viewer = async (index: number): Promise<void> => {
      while (goesOn()) {
        const number = this.#sent++;
        const roomId = this.rooms[number % ROOMS]!;
        const gift = { viewerId: this.#viewer(index), gift: 'rose', quantity: 1 + (number % 3) };
        const { body } = await this.#accepted(`/v1/rooms/${roomId}/gifts`, `${this.name}-${number}`, gift);
        this.giftIds.push(body['giftId'] as string);
      }
    };
    await Promise.all(Array.from({ length: VIEWERS }, (_, index) => viewer(index)));
  }

  #viewer(index: number): string {
    return `${this.name}-viewer-${index}`;
  }

  async #accepted(path: string, key: string, body: object): Promise<Answer> {
    // Each command begins at another process.
    const first = this.#sent % this.#apis.length;
    const apis = [...this.#apis.slice(first), ...this.#apis.slice(0, first)];
    const answer = await definite(apis, path, key, body);
    if (answer.status !== 200 && answer.status !== 201) {
      throw new Error(`${path} answered ${answer.status} ${JSON.stringify(answer.body)}`);
    }
    return answer;
  }
}
