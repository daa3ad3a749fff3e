import type { ServerResponse } from 'node:http';
import type { Scheduler, Telemetry } from '@livegift/kernel';
import type { FrameBatch, RoomSubscriber } from '@livegift/room-feed';
import { sseEncoding } from './encodings.js';
import type { RoomGateway } from './room-gateway.js';

export interface SseClientParts {
  readonly gateway: RoomGateway;
  readonly scheduler: Scheduler;
  readonly telemetry: Telemetry;
}

/** One SSE response in one room. An end says nothing about why: the client comes back and is told by the status. */
export class SseClient implements RoomSubscriber {
  #closing = false;
  #begun = false;

  constructor(
    private readonly response: ServerResponse,
    /** Called once, before the first write. */
    private readonly begin: () => void,
    private readonly parts: SseClientParts,
  ) {
    response.on('close', () => {
      this.#closing = true;
      parts.gateway.leave(this);
    });
    // Whatever went wrong, `close` follows.
    response.on('error', () => {});
  }

  write(batch: FrameBatch): void {
    if (this.#closing) return;
    if (!this.#begun) {
      this.#begun = true;
      this.begin();
    }
    if (this.response.writableLength > this.parts.gateway.config.slowClientBytesMax) {
      this.parts.telemetry.count('room_slow_clients');
      return this.end();
    }
    this.response.write(batch.as(sseEncoding));
  }

  end(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.parts.gateway.leave(this);
    this.response.end();
    const { closeMsMax } = this.parts.gateway.config;
    const timer = this.parts.scheduler.after(closeMsMax, () => this.response.destroy());
    this.response.once('close', () => timer.cancel());
  }
}
