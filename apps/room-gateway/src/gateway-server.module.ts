import type { ProcessTelemetry } from '@livegift/observability';
import { checkReadiness, LIVENESS, type Liveness, type ReadinessPart } from '@livegift/process';
import { Controller, Get, Inject, Module, Res, type DynamicModule } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { RoomGatewayModule, type RoomGatewayParts } from './room-gateway.module.js';

const OPERATIONS = Symbol('readiness and telemetry of the process');

interface Operations {
  readonly readiness: readonly ReadinessPart[];
  readonly telemetry: ProcessTelemetry;
}

/** For whoever runs the gateway. */
@Controller()
class OperationsController {
  constructor(@Inject(OPERATIONS) private readonly operations: Operations) {}

  @Get('health/live')
  live(): Liveness {
    return LIVENESS;
  }

  @Get('health/ready')
  async ready(@Res() reply: FastifyReply): Promise<void> {
    const readiness = await checkReadiness(this.operations.readiness);
    const isReady = readiness.status === 'ready';
    if (!isReady) void reply.header('retry-after', '1');
    void reply.code(isReady ? 200 : 503).send(readiness);
  }

  @Get('metrics')
  async metrics(@Res() reply: FastifyReply): Promise<void> {
    const { telemetry } = this.operations;
    const text = await telemetry.metricsText();
    void reply.header('content-type', telemetry.metricsContentType).send(text);
  }
}

/** The gateway with what a process of its own says about itself. */
@Module({})
export class GatewayServerModule {
  static register({ gateway, ...operations }: Operations & { readonly gateway: RoomGatewayParts }): DynamicModule {
    return {
      module: GatewayServerModule,
      imports: [RoomGatewayModule.register(gateway)],
      controllers: [OperationsController],
      providers: [{ provide: OPERATIONS, useValue: operations }],
    };
  }
}
