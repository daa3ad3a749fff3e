import { Controller, Get, Inject, Res } from '@nestjs/common';
import type { ProcessTelemetry } from '@livegift/observability';
import type { FastifyReply } from 'fastify';
import { READINESS, TELEMETRY } from '../tokens.js';
import type { ReadinessPart } from './readiness.js';

/** For whoever runs the server. */
@Controller()
export class HealthController {
  constructor(
    @Inject(READINESS) private readonly parts: readonly ReadinessPart[],
    @Inject(TELEMETRY) private readonly telemetry: ProcessTelemetry,
  ) {}

  @Get('health/live')
  live(): { readonly status: 'live' } {
    return { status: 'live' };
  }

  @Get('health/ready')
  async ready(@Res() reply: FastifyReply): Promise<void> {
    const checked = await Promise.all(
      this.parts.map(async ({ name, isReady }) => ({
        name,
        ready: await Promise.resolve(isReady()).catch(() => false),
      })),
    );
    const isReady = checked.every(({ ready }) => ready);
    if (!isReady) void reply.header('retry-after', '1');
    void reply.code(isReady ? 200 : 503).send({ status: isReady ? 'ready' : 'not-ready', parts: checked });
  }

  @Get('metrics')
  async metrics(@Res() reply: FastifyReply): Promise<void> {
    const text = await this.telemetry.metricsText();
    void reply.header('content-type', this.telemetry.metricsContentType).send(text);
  }
}
