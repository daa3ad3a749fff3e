import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { ANSWER_SCHEMAS } from './answer-schemas.js';
import { LIVE_ROUTES } from './live-routes.js';

const DESCRIPTION = `Coins in, gifts live, diamonds out. Ids are \`[A-Za-z0-9._-]{1,64}\` but not \`.\` or \`..\`, times RFC 3339 in UTC, coins and
diamonds integers (a hundred diamonds are worth one coin). Errors are RFC 9457 problems; \`code\` says which. Unknown fields
and parameters are refused. Names, titles and messages hold no control characters and none that reorder text
(U+202A to U+202E, U+2066 to U+2069); a message may hold line breaks and tabs, a name or title is one line and not blank. Commands with an \`Idempotency-Key\` can be repeated safely. Every accepted command answers a
\`position\`; a query that is given it as \`after\` waits until it has been reached.`;

/** The OpenAPI document, made of what stands beside each route. Built once, when it is first asked for. */
export class ApiDocument {
  #app: INestApplication | null = null;
  #json: string | null = null;

  describe(app: INestApplication): void {
    this.#app = app;
  }

  json(): string {
    return (this.#json ??= JSON.stringify(this.#build()));
  }

  #build(): OpenAPIObject {
    if (this.#app === null) throw new Error('no application to describe');
    const config = new DocumentBuilder()
      .setOpenAPIVersion('3.1.0')
      .setTitle('livegift')
      .setDescription(DESCRIPTION)
      .setVersion('1')
      .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
      .build();
    const document = SwaggerModule.createDocument(this.#app, config, { autoTagControllers: false });
    const schemas = { ...document.components?.schemas, ...(ANSWER_SCHEMAS as object) };
    return {
      ...document,
      paths: { ...document.paths, ...(LIVE_ROUTES as object) },
      components: { ...document.components, schemas },
    };
  }
}
