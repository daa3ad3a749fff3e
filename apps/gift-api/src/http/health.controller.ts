import { Controller, Get, Inject, Res } from '@nestjs/common';
import type { ProcessTelemetry } from '@livegift/observability';
import { checkReadiness, type ReadinessPart } from '@livegift/process';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { READINESS, TELEMETRY } from '../tokens.js';

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
    const readiness = await checkReadiness(this.parts);
    const isReady = readiness.status === 'ready';
    if (!isReady) void reply.header('retry-after', '1');
    void reply.code(isReady ? 200 : 503).send(readiness);
  }

  @ApiOperation({ summary: 'Metrics for Prometheus' })
  @ApiResponse({ status: 200, description: 'In its text format.' })
  @Get('metrics')
  async metrics(@Res() reply: FastifyReply): Promise<void> {
    const text = await this.telemetry.metricsText();
    void reply.header('content-type', this.telemetry.metricsContentType).send(text);
  }
}
