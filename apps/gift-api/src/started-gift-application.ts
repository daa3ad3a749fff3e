import type { ReadinessPart } from '@livegift/process';
import { createGiftApplication, type GiftApplication, type GiftApplicationParts } from './gift-application.js';

const START_RETRY_MS = 1_000;

/** The application with its start, which the server does not wait for: until then it answers that it is not ready. */
export class StartedGiftApplication implements ReadinessPart {
  readonly name = 'catalogue';
  readonly services: GiftApplication;
  #started = false;
  #stopped = false;

  constructor(private readonly parts: GiftApplicationParts) {
    this.services = createGiftApplication(parts);
  }

  readonly isReady = (): boolean => this.#started;

  start(): void {
    if (this.#stopped) return;
    this.services.start().then(
      () => (this.#started = true),
      (error: unknown) => {
        if (this.#stopped) return;
        this.parts.telemetry.error('the commands could not start; trying again', { error });
        this.parts.scheduler.after(START_RETRY_MS, () => this.start());
      },
    );
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.services.stop();
  }
}
