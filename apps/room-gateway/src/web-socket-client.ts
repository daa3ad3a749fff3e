import type { OriginPolicy } from '@livegift/process';
import type { Duplex } from 'node:stream';
import { CLOSES, type CloseName } from '@livegift/contracts';
import type { Scheduler, Telemetry } from '@livegift/kernel';
import type { EndReason, FrameBatch, RoomSubscriber } from '@livegift/room-feed';
import type { WebSocket } from 'ws';
import { webSocketEncoding } from './encodings.js';
import type { RoomGateway } from './room-gateway.js';
import type { RoomGatewayConfig } from './room-gateway.config.js';

const ENDS: Record<EndReason, CloseName> = {
  'room-closed': 'roomClosed',
  'going-away': 'goingAway',
  gap: 'serviceRestart',
};

export interface WebSocketClientParts {
  readonly gateway: RoomGateway;
  readonly config: RoomGatewayConfig;
  readonly origins: OriginPolicy;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
}

/** One WebSocket in one room. Frames go to the socket itself, many in one write; `ws` does the rest of the protocol. */
export class WebSocketClient implements RoomSubscriber {
  /** Has answered since the last ping. */
  #alive = true;
  #closing = false;
  #inbound = 0;

  constructor(
    private readonly webSocket: WebSocket,
    private readonly socket: Duplex,
    private readonly parts: WebSocketClientParts,
  ) {
    webSocket.on('pong', () => {
      this.#alive = true;
    });
    webSocket.on('message', () => this.#takeInbound());
    // Whatever went wrong, `close` follows.
    webSocket.on('error', () => {});
  }

  get isOpen(): boolean {
    return !this.#closing && this.webSocket.readyState === this.webSocket.OPEN;
  }

  write(batch: FrameBatch): void {
    if (this.#closing || this.socket.destroyed) return;
    if (this.socket.writableLength > this.parts.config.slowClientBytesMax) {
      this.parts.telemetry.count('room_slow_clients_total');
      return this.close('tooSlow');
    }
    this.socket.write(batch.as(webSocketEncoding));
  }

  end(reason: EndReason): void {
    this.close(ENDS[reason]);
  }

  close(why: CloseName): void {
    if (this.#closing) return;
    this.#closing = true;
    this.parts.gateway.leave(this);
    const { code, reason } = CLOSES[why];
    this.webSocket.close(code, reason);
    const timer = this.parts.scheduler.after(this.parts.config.closeMsMax, () => this.webSocket.terminate());
    this.webSocket.once('close', () => timer.cancel());
  }

  /** Asks whether anybody is there, and lets go of who did not answer the last time. */
  ping(): void {
    this.#inbound = 0;
    if (!this.#alive) return this.webSocket.terminate();
    if (!this.isOpen) return;
    this.#alive = false;
    this.webSocket.ping();
  }

  #takeInbound(): void {
    this.#inbound += 1;
    if (this.#inbound > this.parts.config.inboundMessagesPerPingMax) this.close('tooManyMessages');
  }
}
