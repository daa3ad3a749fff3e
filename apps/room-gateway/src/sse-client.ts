import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Cancellable, Scheduler, Telemetry } from '@livegift/kernel';
import type { FrameBatch, RoomSubscriber } from '@livegift/room-feed';
import { lastsWithReader, whenOver } from '@livegift/process';
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
  #slow: Cancellable | null = null;

  constructor(
    private readonly request: IncomingMessage,
    private readonly response: ServerResponse,
    /** Called once, before the first write. */
    private readonly begin: () => void,
    private readonly parts: SseClientParts,
  ) {
    lastsWithReader(request);
    whenOver(request, () => {
      this.#closing = true;
      this.#slow?.cancel();
      parts.gateway.leave(this);
    });
    response.on('drain', () => {
      this.#slow?.cancel();
      this.#slow = null;
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
    const { slowClientBytesMax, slowClientMsMax } = this.parts.gateway.config;
    if (this.response.writableLength > slowClientBytesMax) return this.#endSlow();
    if (this.response.write(batch.as(sseEncoding))) return;
    this.#slow ??= this.parts.scheduler.after(slowClientMsMax, () => this.#endSlow());
  }

  end(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.parts.gateway.leave(this);
    this.response.end();
    const { closeMsMax } = this.parts.gateway.config;
    // Not the response: while it waits behind another on its connection, it has no socket to destroy.
    const timer = this.parts.scheduler.after(closeMsMax, () => this.request.socket.destroy());
    whenOver(this.request, () => timer.cancel());
  }

  #endSlow(): void {
    if (this.#closing) return;
    this.parts.telemetry.count('room_slow_clients_total');
    this.end();
  }
}
