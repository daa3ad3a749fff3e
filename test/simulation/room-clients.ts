import type { RecordedEvent } from '@livegift/kernel';
import type { GiftSent } from '@livegift/domain';
import type { EndReason, FrameBatch, RoomSubscriber } from '@livegift/room-feed';
import type { SeededRandom, SimulatedProcess, SimulatedStoreServer, VirtualWorld } from '@livegift/testing';
import type { SimulatedGateway } from './simulated-gateway.js';

export interface GatewayDoor {
  readonly process: SimulatedProcess;
  readonly gateway: SimulatedGateway;
  /** False once it drains. */
  running(): boolean;
}

/** From a place that the feed named on, everything must have come, in order. */
interface Stretch {
  readonly after: string;
  readonly positions: string[];
}

const RECONNECT_MS_MAX = 300;
const REACHED_WAIT_MS = 20;
const REACHED_TRIES = 20;

/** One viewer's screen: it stays in its room whatever happens, and resumes with the last frame id that it has seen. */
export class RoomClient {
  readonly findings: string[] = [];
  readonly stretches: Stretch[] = [];
  /** Connected, or told that the room is closed. */
  closed = false;
  #lastFrameId: string | null = null;
  #connected: { readonly door: GatewayDoor; readonly subscriber: RoomSubscriber } | null = null;
  #connecting = false;
  readonly #random: SeededRandom;

  constructor(
    readonly name: string,
    readonly roomId: string,
    private readonly world: VirtualWorld,
    private readonly server: SimulatedStoreServer,
    private readonly doors: () => readonly GatewayDoor[],
  ) {
    this.#random = world.random.fork();
  }

  begin(): void {
    this.#again();
  }

  get connected(): boolean {
    return this.#connected !== null;
  }

  /** Goes away of its own accord, and comes back. */
  breakOff(): void {
    if (this.#connected === null) return;
    const { door, subscriber } = this.#connected;
    this.#connected = null;
    door.gateway.feed.leave(subscriber, this.roomId);
    this.#again();
  }

  /** Everything that must be here is: for the end of a run. */
  has(gift: RecordedEvent): boolean {
    const stretch = this.stretches.at(-1);
    return stretch === undefined || gift.position <= stretch.after || stretch.positions.at(-1)! >= gift.position;
  }

  #again(): void {
    const delayMs = this.#random.between(1, RECONNECT_MS_MAX);
    this.world.schedule(delayMs, `${this.name} connects`, () => void this.#connect());
  }

  async #connect(): Promise<void> {
    if (this.#connected !== null || this.#connecting || this.closed) return;
    const doors = this.doors();
    const opened = this.server.log.readStream(`room-${this.roomId}`, { limit: 1 })[0];
    if (doors.length === 0 || opened === undefined) return this.#again();
    const door = this.#random.pick(doors);
    const from = this.#lastFrameId;
    this.#connecting = true;
    if (from !== null) {
      for (let i = 0; i < REACHED_TRIES && !door.gateway.feed.hasReached(this.roomId, from); i++) await this.#pause();
    }
    this.#connecting = false;
    if (!door.process.alive || !door.running()) return this.#again();
    this.#join(door, from, opened.data as { creatorId: string; title: string | null });
  }

  #join(door: GatewayDoor, from: string | null, facts: { creatorId: string; title: string | null }): void {
    const subscriber: RoomSubscriber = {
      write: (batch) => {
        if (this.#connected?.subscriber === subscriber) this.#take(batch, from);
      },
      end: (reason) => {
        if (this.#connected?.subscriber === subscriber) this.#end(reason);
      },
    };
    door.process.onCrash(() => subscriber.end('going-away'));
    this.#connected = { door, subscriber };
    const { creatorId, title } = facts;
    const request = { roomId: this.roomId, facts: { creatorId, title }, board: { entries: [], position: null }, from };
    const joined = door.gateway.feed.join(subscriber, request);
    if (joined === 'joined') return;
    this.#connected = null;
    if (joined === 'room-closed') this.closed = true;
    else this.#again();
  }

  #end(reason: EndReason): void {
    this.world.trace.add(`  ${this.name} is put out: ${reason}`);
    this.#connected = null;
    if (reason === 'room-closed') this.closed = true;
    else this.#again();
  }

  #take(batch: FrameBatch, from: string | null): void {
    for (const { type, frameId, json } of batch.frames) {
      if (type === 'welcome') {
        this.#lastFrameId = frameId;
        // Without a resume (or with one that fails) a new stretch begins at the frame id of the welcome.
        if (from === null || frameId !== from) this.#begin(frameId!);
      }
      if (type === 'recovered') {
        const { complete } = JSON.parse(json) as { complete: boolean };
        if (!complete) this.#begin(this.#lastFrameId!);
      }
      if (type === 'gift') this.#gift(frameId!, json);
    }
  }

  #begin(frameId: string): void {
    this.stretches.push({ after: positionOf(frameId), positions: [] });
  }

  #gift(frameId: string, json: string): void {
    const stretch = this.stretches.at(-1)!;
    const position = positionOf(frameId);
    const last = stretch.positions.at(-1) ?? stretch.after;
    if (position <= last) this.findings.push(`${this.name}: frame ${position} came after ${last}`);
    const frame = JSON.parse(json) as { giftId: string; coins: number };
    const event = this.server.log.events[Number(position) - 1] as
      RecordedEvent<'GiftSent', GiftSent['data']> | undefined;
    if (event?.data.giftId !== frame.giftId || event.data.coins !== frame.coins) {
      this.findings.push(`${this.name}: the frame ${json} is not what the log has at ${position}`);
    }
    stretch.positions.push(position);
    this.#lastFrameId = frameId;
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.world.schedule(REACHED_WAIT_MS, `${this.name} waits`, resolve);
    });
  }
}

/** Live gifts of a room, up to its closing. */
export function liveGifts(log: readonly RecordedEvent[], roomId: string): RecordedEvent[] {
  const gifts: RecordedEvent[] = [];
  for (const event of log) {
    if (event.type === 'RoomClosed' && event.stream === `room-${roomId}`) return gifts;
    if (event.type !== 'GiftSent') continue;
    const { data } = event as RecordedEvent<'GiftSent', GiftSent['data']>;
    if (data.roomId === roomId && !data.imported) gifts.push(event);
  }
  return gifts;
}

/** Each stretch has every gift after its beginning, up to the last one that it saw; the last one up to the end. */
export function auditRoomClient(client: RoomClient, log: readonly RecordedEvent[]): string[] {
  const gifts = liveGifts(log, client.roomId);
  const findings = [...client.findings];
  client.stretches.forEach(({ after, positions }, index) => {
    const isLast = index === client.stretches.length - 1 && client.connected;
    const until = isLast ? '~' : (positions.at(-1) ?? after);
    const owed = gifts.filter(({ position }) => position > after && position <= until).map(({ position }) => position);
    const had = new Set(positions);
    for (const position of owed) {
      if (!had.has(position)) findings.push(`${client.name}: the gift at ${position} never came (from ${after} on)`);
    }
  });
  return findings;
}

function positionOf(frameId: string): string {
  return frameId.slice(frameId.lastIndexOf(':') + 1);
}
