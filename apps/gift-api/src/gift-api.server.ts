import type { AddressInfo } from 'node:net';
import { Module, type DynamicModule, type LoggerService } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { GiftApiModule, type GiftApiParts } from './gift-api.module.js';
import { configureHttp, createHttpAdapter, type HttpServerOptions } from './http/http-server.js';

export interface GiftApiServerOptions {
  readonly parts: GiftApiParts;
  readonly http: Omit<HttpServerOptions, 'telemetry'>;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly logger?: LoggerService | false;
}

/** This app by itself, listening. */
export interface GiftApiServer {
  readonly url: string;
  readonly app: NestFastifyApplication;
  close(): Promise<void>;
}

/** The app as a process of its own has it: one HTTP server over whichever ports it is given. */
export async function startGiftApi({
  parts,
  logger = false,
  ...options
}: GiftApiServerOptions): Promise<GiftApiServer> {
  const http = { ...options.http, telemetry: parts.telemetry };
  const app = await NestFactory.create<NestFastifyApplication>(GiftApiRoot.over(parts), createHttpAdapter(http), {
    bodyParser: false,
    abortOnError: false,
    logger,
  });
  const draining = await configureHttp(app, http);
  await app.listen(options.port, options.host);
  const { port, address } = app.getHttpServer().address() as AddressInfo;
  return {
    app,
    url: `http://${address}:${port}`,
    close: async () => {
      draining.begin();
      await app.close();
    },
  };
}

@Module({})
class GiftApiRoot {
  static over(parts: GiftApiParts): DynamicModule {
    return { module: GiftApiRoot, imports: [GiftApiModule.register(parts)] };
  }
}
