import type { Position, RecordedEvent } from '@livegift/kernel';
import { ReadModelError, type ReadModel } from '@livegift/read-model';
import type { SeededRandom, SimulatedStoreServer, VirtualWorld } from '@livegift/testing';
import type { Platform } from './platform.js';

const LOOK_EVERY_MS_MAX = 600;
const PATIENCE_MS = 5_000;

/**
 * Somebody who looks at read models all the time, also while they are rebuilt or have fallen back: every row must be what
 * the log said at the position that it names, and must hold what it was asked to wait for.
 */
export class Analyst {
  readonly findings: string[] = [];
  readonly #random: SeededRandom;
  #over = false;

  constructor(
    private readonly world: VirtualWorld,
    private readonly server: SimulatedStoreServer,
    private readonly platform: Platform,
    private readonly models: () => readonly ReadModel[],
  ) {
    this.#random = world.random.fork();
  }

  begin(): void {
    this.world.schedule(this.#random.between(0, LOOK_EVERY_MS_MAX), 'analyst looks', () => {
      if (this.#over) return;
      void this.#look();
      this.begin();
    });
  }

  end(): void {
    this.#over = true;
  }

  async #look(): Promise<void> {
    const models = this.models();
    const accepted = this.platform.asked.filter((asked) => asked.accepted !== null);
    if (models.length === 0 || accepted.length === 0) return;
    const model = this.#random.pick(models);
    const { stream, accepted: result } = this.#random.pick(accepted);
    const after = this.#random.chance(0.5) ? (result!.position as Position) : null;
    try {
      if (stream.startsWith('wallet-')) await this.#wallet(model, stream.slice('wallet-'.length), after);
      if (stream.startsWith('room-')) await this.#room(model, stream.slice('room-'.length), after);
    } catch (error) {
      if (!(error instanceof ReadModelError)) this.findings.push(`a query failed: ${String(error)}`);
    }
  }

  async #wallet(model: ReadModel, viewerId: string, after: Position | null): Promise<void> {
    if (after !== null && !(await model.waitFor({ wallet: viewerId }, after, PATIENCE_MS))) return;
    const answer = await model.wallet(viewerId);
    const events = this.#upTo(answer?.position ?? null).filter(({ stream }) => stream === `wallet-${viewerId}`);
    const coins = events.reduce((balance, { data }) => (data as { balance?: number }).balance ?? balance, 0);
    const gift = events.findLast(({ type }) => type === 'GiftSent')?.revision ?? null;
    this.#compare(`wallet ${viewerId}`, answer, after, { coins, lastGiftRevision: gift });
  }

  async #room(model: ReadModel, roomId: string, after: Position | null): Promise<void> {
    if (after !== null && !(await model.waitFor({ room: roomId }, after, PATIENCE_MS))) return;
    const answer = await model.room(roomId);
    const gifts = this.#upTo(answer?.position ?? null).filter(
      ({ type, data }) => type === 'GiftSent' && (data as { roomId: string }).roomId === roomId,
    );
    const coins = gifts.reduce((sum, { data }) => sum + (data as { coins: number }).coins, 0);
    this.#compare(`room ${roomId}`, answer, after, { coins, giftCount: gifts.length });
  }

  #compare(
    what: string,
    answer: { readonly row: object; readonly position: Position | null } | null,
    after: Position | null,
    wanted: Readonly<Record<string, number | null>>,
  ): void {
    if (answer === null) {
      // Not there yet is an answer, unless it had been waited for.
      if (after !== null) this.findings.push(`${what} is not there, although ${after} was waited for`);
      return;
    }
    const { row, position } = answer;
    if (after !== null && (position ?? '') < after)
      this.findings.push(`${what} is at ${position}, not yet at ${after}`);
    for (const [field, value] of Object.entries(wanted)) {
      const found = (row as Readonly<Record<string, unknown>>)[field];
      if (found !== value)
        this.findings.push(`${what} has ${field} ${String(found)} at ${position}, the log says ${value}`);
    }
  }

  #upTo(position: Position | null): readonly RecordedEvent[] {
    return position === null ? [] : this.server.log.events.slice(0, Number(position));
  }
}
