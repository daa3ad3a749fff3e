import { Controller, Get, Inject, Res } from '@nestjs/common';
import type { ProcessTelemetry } from '@livegift/observability';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { READINESS, TELEMETRY } from '../tokens.js';
import type { ReadinessPart } from './readiness.js';

/** For whoever runs the server. */
@ApiTags('operations')
@Controller()
export class HealthController {
  constructor(
    @Inject(READINESS) private readonly parts: readonly ReadinessPart[],
    @Inject(TELEMETRY) private readonly telemetry: ProcessTelemetry,
  ) {}

  @ApiOperation({ summary: 'The process is there' })
  @ApiResponse({ status: 200, description: 'It is.' })
  @Get('health/live')
  live(): { readonly status: 'live' } {
    return { status: 'live' };
  }

  @ApiOperation({ summary: 'Requests can be sent here' })
  @ApiResponse({ status: 200, description: 'Every part is ready.' })
  @ApiResponse({ status: 503, description: 'Not yet; the JSON says which part is not.' })
  @Get('health/ready')
  async ready(@Res() reply: FastifyReply): Promise<void> {
    const checked = await Promise.all(
      this.parts.map(async (part) => ({
        name: part.name,
        ready: await asks(part),
      })),
    );
    const isReady = checked.every(({ ready }) => ready);
    if (!isReady) void reply.header('retry-after', '1');
    void reply.code(isReady ? 200 : 503).send({ status: isReady ? 'ready' : 'not-ready', parts: checked });
  }

  @ApiOperation({ summary: 'Metrics for Prometheus' })
  @ApiResponse({ status: 200, description: 'In its text format.' })
  @Get('metrics')
  async metrics(@Res() reply: FastifyReply): Promise<void> {
    const text = await this.telemetry.metricsText();
    void reply.header('content-type', this.telemetry.metricsContentType).send(text);
  }
}

async function asks(part: ReadinessPart): Promise<boolean> {
  try {
    return await part.isReady();
  } catch {
    return false;
  }
}
