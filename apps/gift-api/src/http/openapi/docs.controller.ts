import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { ASYNC_API } from '@livegift/contracts';
import { Controller, Get, Param, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ProblemError } from '../problem.js';
import { ApiDocument } from './api-document.js';

const ASSETS: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
};

/** Everything comes from this server; nothing is loaded from elsewhere. */
const CONTENT_SECURITY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'";

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>livegift API</title>
    <link rel="icon" href="/docs/favicon-32x32.png">
    <link rel="stylesheet" href="/docs/swagger-ui.css">
  </head>
  <body>
    <div id="api"></div>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/start.js"></script>
  </body>
</html>
`;

const ASYNC_API_JSON = JSON.stringify(ASYNC_API);

const START = "SwaggerUIBundle({ url: '/v1/openapi.json', dom_id: '#api', deepLinking: true });\n";

/** The API's description, for programs and for people. */
@ApiExcludeController()
@Controller()
export class DocsController {
  readonly #assets = new Map<string, Promise<Buffer>>();

  constructor(private readonly document: ApiDocument) {}

  @Get('v1/openapi.json')
  openApi(@Res() reply: FastifyReply): void {
    void reply.header('content-type', 'application/json; charset=utf-8').send(this.document.json());
  }

  @Get('v1/asyncapi.json')
  asyncApi(@Res() reply: FastifyReply): void {
    void reply.header('content-type', 'application/json; charset=utf-8').send(ASYNC_API_JSON);
  }

  @Get('docs')
  page(@Res() reply: FastifyReply): void {
    void reply
      .header('content-type', 'text/html; charset=utf-8')
      .header('content-security-policy', CONTENT_SECURITY)
      .send(PAGE);
  }

  @Get('docs/:asset')
  async asset(@Param('asset') name: string, @Res() reply: FastifyReply): Promise<void> {
    if (name === 'start.js') {
      void reply.header('content-type', 'text/javascript; charset=utf-8').send(START);
      return;
    }
    const type = Object.hasOwn(ASSETS, name) ? ASSETS[name] : undefined;
    if (type === undefined) throw new ProblemError('not-found', 'there is no such page');
    const bytes = this.#assets.get(name) ?? readFile(join(assetsDirectory(), name));
    this.#assets.set(name, bytes);
    void reply
      .header('content-type', type)
      .header('cache-control', 'max-age=3600')
      .send(await bytes);
  }
}

/** The pages' files come with @nestjs/swagger, as a dependency of its own. */
function assetsDirectory(): string {
  const swagger = createRequire(import.meta.url).resolve('@nestjs/swagger/package.json');
  return dirname(createRequire(swagger).resolve('swagger-ui-dist/package.json'));
}
