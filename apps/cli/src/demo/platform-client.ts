import { StoppedError } from '../exit-codes.js';
import type { Platform } from './broadcast.js';

const ATTEMPTS_MAX = 20;
const RETRY_MS = 250;

/** What a live-stream platform does with the engine: the commands of a broadcast, over HTTP. */
export class PlatformClient implements Platform {
  #keys = 0;

  /** @param run makes the idempotency keys and payments of this run its own */
  constructor(
    private readonly api: string,
    private readonly run: string,
    private readonly stopped: AbortSignal,
  ) {}

  async openWallet(viewerId: string): Promise<void> {
    // A wallet that an earlier run opened with other data is as good.
    await this.#command('/v1/wallets', { viewerId, region: 'ZZ', ageAssured: true }, ['wallet-exists']);
  }

  async buyCoins(viewerId: string, coins: number): Promise<void> {
    const payment = { provider: 'demo', paymentId: `${this.run}-${this.#keys}` };
    await this.#command(`/v1/wallets/${viewerId}/purchases`, {
      coins,
      price: { amountMinor: coins, currency: 'USD' },
      ...payment,
    });
  }

  async openRoom(roomId: string, creatorId: string, title: string): Promise<void> {
    await this.#command('/v1/rooms', { roomId, creatorId, title });
  }

  async closeRoom(roomId: string): Promise<void> {
    await this.#command(`/v1/rooms/${roomId}/close`, undefined);
  }

  async cheer(roomId: string, viewerId: string, quantity: number): Promise<void> {
    const gift = { viewerId, gift: 'cheer', quantity, sender: { name: viewerId } };
    await this.#command(`/v1/rooms/${roomId}/gifts`, gift);
  }

  /** One command under one key, repeated with it while the engine is busy. */
  async #command(path: string, body: unknown, harmless: readonly string[] = []): Promise<void> {
    this.#keys += 1;
    const headers: Record<string, string> = { 'idempotency-key': `demo-${this.run}-${this.#keys}` };
    if (body !== undefined) headers['content-type'] = 'application/json';
    const request = {
      method: 'POST',
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      signal: this.stopped,
    };
    for (let attempt = 1; ; attempt++) {
      const response = await fetch(this.api + path, request);
      const text = await response.text();
      if (response.ok || harmless.some((code) => text.includes(`"${code}"`))) return;
      const busy = response.status === 503 || response.status === 409;
      if (!busy || attempt >= ATTEMPTS_MAX)
        throw new StoppedError(`POST ${path}: ${response.status} ${text.slice(0, 300)}`);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}
