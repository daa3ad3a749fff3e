import { Controller, Get, Inject, Res } from '@nestjs/common';
import type { ProcessTelemetry } from '@livegift/observability';
import { checkReadiness, LIVENESS, type Liveness, type Readiness, type ReadinessPart } from '@livegift/process';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { READINESS, TELEMETRY } from '../tokens.js';
import { nullable, type JsonSchema } from './openapi/body-schema.js';

const text = { type: 'string' };
const json = (properties: Record<string, JsonSchema>, required: string[], example: object) => ({
  'application/json': { schema: { type: 'object', properties, required }, example },
});
const part = {
  type: 'object',
  properties: {
    name: text,
    ready: { type: 'boolean' },
    optional: { type: 'boolean' },
    reason: text,
    server: text,
    since: text,
    condition: text,
    position: nullable(text),
    head: nullable(text),
    lagSeconds: { minimum: 0 },
  },
  required: ['name', 'ready'],
};
const readiness = (status: Readiness['status']) =>
  json({ status: text, version: text, parts: { type: 'array', items: part } }, ['status', 'version', 'parts'], {
    status,
    version: '0.1.0',
    parts: [{ name: 'read-model', ready: status === 'ready' }],
  });

const LIVE = json({ status: text, version: text }, ['status', 'version'], { status: 'live', version: '0.1.0' });
const FIGURES = { 'text/plain': { schema: text, example: 'livegift_http_responses_total{class="2xx"} 7\n' } };

/** For whoever runs the server. */
@ApiTags('operations')
@Controller()
export class HealthController {
  constructor(
    @Inject(READINESS) private readonly parts: readonly ReadinessPart[],
    @Inject(TELEMETRY) private readonly telemetry: ProcessTelemetry,
  ) {}

  @ApiOperation({ summary: 'The process is there' })
  @ApiResponse({ status: 200, description: 'It is.', content: LIVE })
  @Get('health/live')
  live(): Liveness {
    return LIVENESS;
  }

  @ApiOperation({ summary: 'Requests can be sent here' })
  @ApiResponse({ status: 200, description: 'Every part is ready.', content: readiness('ready') })
  @ApiResponse({
    status: 503,
    description: 'Not yet; the JSON says which part is not.',
    content: readiness('not-ready'),
  })
  @Get('health/ready')
  async ready(@Res() reply: FastifyReply): Promise<void> {
    const readiness = await checkReadiness(this.parts);
    const isReady = readiness.status === 'ready';
    if (!isReady) void reply.header('retry-after', '1');
    void reply.code(isReady ? 200 : 503).send(readiness);
  }

  @ApiOperation({ summary: 'Metrics for Prometheus' })
  @ApiResponse({ status: 200, description: 'In its text format.', content: FIGURES })
  @Get('metrics')
  async metrics(@Res() reply: FastifyReply): Promise<void> {
    const text = await this.telemetry.metricsText();
    void reply.header('content-type', this.telemetry.metricsContentType).send(text);
  }
}
