import type { ProcessTelemetry } from '@livegift/observability';
import type { LoggerService } from '@nestjs/common';

/** Nest's own words among the structured logs: its routine ones only for who debugs. */
export class NestLog implements LoggerService {
  isStarted = false;

  constructor(private readonly telemetry: ProcessTelemetry) {}

  log(message: unknown): void {
    this.telemetry.debug(String(message));
  }

  debug(message: unknown): void {
    this.telemetry.debug(String(message));
  }

  verbose(message: unknown): void {
    this.telemetry.debug(String(message));
  }

  warn(message: unknown): void {
    this.telemetry.warn(String(message));
  }

  /** While it starts, the failure is thrown too, and said once by whoever catches it. */
  error(message: unknown): void {
    if (!this.isStarted) {
      this.telemetry.debug(String(message));
      return;
    }
    this.telemetry.error(message instanceof Error ? message.message : String(message), { error: message });
  }

  fatal(message: unknown): void {
    this.error(message);
  }
}
