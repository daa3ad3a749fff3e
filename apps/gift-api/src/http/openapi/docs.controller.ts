import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { ASYNC_API } from '@livegift/contracts';
import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ProblemError } from '../problem.js';
import { ApiDocument } from './api-document.js';
import { CompressedOnce } from './compressed-once.js';

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

const JSON_HEADERS = { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-cache' };
const ASYNC_API_JSON = new CompressedOnce(Buffer.from(JSON.stringify(ASYNC_API)), JSON_HEADERS);

const START = "SwaggerUIBundle({ url: '/v1/openapi.json', dom_id: '#api', deepLinking: true });\n";

/** The API's description, for programs and for people. */
@ApiExcludeController()
@Controller()
export class DocsController {
  readonly #assets = new Map<string, Promise<CompressedOnce>>();
  #openApi: CompressedOnce | null = null;

  constructor(private readonly document: ApiDocument) {}

  @Get('v1/openapi.json')
  openApi(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    this.#openApi ??= new CompressedOnce(Buffer.from(this.document.json()), JSON_HEADERS);
    return this.#openApi.send(request, reply);
  }

  @Get('v1/asyncapi.json')
  asyncApi(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    return ASYNC_API_JSON.send(request, reply);
  }

  @Get('docs')
  page(@Res() reply: FastifyReply): void {
    void reply
      .header('content-type', 'text/html; charset=utf-8')
      .header('content-security-policy', CONTENT_SECURITY)
      .send(PAGE);
  }

  @Get('docs/:asset')
  async asset(@Param('asset') name: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    if (name === 'start.js') {
      void reply.header('content-type', 'text/javascript; charset=utf-8').send(START);
      return;
    }
    const type = Object.hasOwn(ASSETS, name) ? ASSETS[name] : undefined;
    if (type === undefined) throw new ProblemError('not-found', 'there is no such page');
    const asset = this.#assets.get(name) ?? loaded(name, type);
    this.#assets.set(name, asset);
    await (await asset).send(request, reply);
  }
}

async function loaded(name: string, type: string): Promise<CompressedOnce> {
  const bytes = await readFile(join(assetsDirectory(), name));
  return new CompressedOnce(bytes, { 'content-type': type, 'cache-control': 'max-age=3600' });
}

/** The pages' files come with @nestjs/swagger, as a dependency of its own. */
function assetsDirectory(): string {
  const swagger = createRequire(import.meta.url).resolve('@nestjs/swagger/package.json');
  return dirname(createRequire(swagger).resolve('swagger-ui-dist/package.json'));
}
