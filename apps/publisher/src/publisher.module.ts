import {
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { Publisher, type PublisherParts } from './publisher.js';

export { PUBLISHER_DEFAULTS, type PublisherConfig } from './publisher.config.js';
export { Publisher, type PublisherParts, type PublisherState } from './publisher.js';

/** Runs a publisher for as long as the application runs. `Publisher` can be injected, for readiness. */
@Module({})
export class PublisherModule {
  static register(parts: PublisherParts): DynamicModule {
    const publisher = new Publisher(parts);
    return PublisherModule.of(publisher);
  }

  /** Around a publisher that somebody else also waits for. */
  static of(publisher: Publisher): DynamicModule {
    const runner = {
      provide: PublisherRunner,
      useFactory: () => new PublisherRunner(publisher),
    };
    return {
      module: PublisherModule,
      providers: [{ provide: Publisher, useValue: publisher }, runner],
      exports: [Publisher],
    };
  }
}

/** Starts and stops it with the application. */
class PublisherRunner implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(private readonly publisher: Publisher) {}

  onApplicationBootstrap(): void {
    this.publisher.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.publisher.stop();
  }
}
