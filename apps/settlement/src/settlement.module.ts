import {
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { Settlement, type SettlementParts } from './settlement.js';

export { Settlement, type SettlementOptions, type SettlementParts } from './settlement.js';

/** Starts settlement when the application is up, and stops it before anything it needs goes. */
@Module({})
export class SettlementModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(private readonly settlement: Settlement) {}

  static register(parts: SettlementParts): DynamicModule {
    return {
      module: SettlementModule,
      providers: [{ provide: Settlement, useFactory: () => new Settlement(parts) }],
      exports: [Settlement],
    };
  }

  onApplicationBootstrap(): void {
    this.settlement.start();
  }

  beforeApplicationShutdown(): Promise<void> {
    return this.settlement.stop();
  }
}
