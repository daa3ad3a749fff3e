import {
  Inject,
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import type { ProjectorParts } from './projector.config.js';
import { Projector } from './projector.js';

/** Events to read models, as a module; `Projector` is exported, for readiness. */
@Module({})
export class ProjectorModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(@Inject(Projector) private readonly projector: Projector) {}

  static register(parts: ProjectorParts): DynamicModule {
    return {
      module: ProjectorModule,
      providers: [{ provide: Projector, useFactory: () => new Projector(parts) }],
      exports: [Projector],
    };
  }

  onApplicationBootstrap(): void {
    this.projector.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.projector.stop();
  }
}

export { Projector };
export type { ProjectorConfig, ProjectorParts, ProjectorState } from './projector.config.js';
