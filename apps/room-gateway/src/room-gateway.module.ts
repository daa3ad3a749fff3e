import type { Server } from 'node:http';
import {
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { GATEWAY_OUTSIDE, RoomEventsController } from './room-events.controller.js';
import { RoomGateway, type RoomGatewayParts } from './room-gateway.js';
import { WebSocketDoor } from './web-socket-door.js';

export { placeInFanOut } from './feed-pump.js';
export { ROOM_GATEWAY_DEFAULTS, type RoomGatewayConfig } from './room-gateway.config.js';
export { RoomGateway, type RoomGatewayParts, type RoomGatewayState } from './room-gateway.js';

/** Starts the gateway with the application, and sends its clients away before the server stops listening. */
class RoomGatewayRunner implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(
    private readonly gateway: RoomGateway,
    private readonly door: WebSocketDoor,
    private readonly host: HttpAdapterHost,
  ) {}

  onApplicationBootstrap(): void {
    this.gateway.start();
    this.door.attach(this.host.httpAdapter.getHttpServer() as Server);
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.gateway.stop();
    await this.door.close();
  }
}

/** Live rooms over WebSocket and SSE, on the application's own HTTP server. `RoomGateway` can be injected, for readiness. */
@Module({})
export class RoomGatewayModule {
  static register(parts: RoomGatewayParts): DynamicModule {
    const { scheduler, telemetry, config } = parts;
    const gateway = new RoomGateway(parts);
    const door = new WebSocketDoor({ gateway, config, origins: parts.origins, scheduler, telemetry });
    return {
      module: RoomGatewayModule,
      controllers: [RoomEventsController],
      providers: [
        { provide: RoomGateway, useValue: gateway },
        { provide: GATEWAY_OUTSIDE, useValue: { scheduler, telemetry } },
        {
          provide: RoomGatewayRunner,
          useFactory: (host: HttpAdapterHost) => new RoomGatewayRunner(gateway, door, host),
          inject: [HttpAdapterHost],
        },
      ],
      exports: [RoomGateway],
    };
  }
}
