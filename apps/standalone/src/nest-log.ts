import type { ProcessTelemetry } from '@livegift/observability';
import type { LoggerService } from '@nestjs/common';

/** Nest's own words among the structured logs: its routine ones only for who debugs. */
export class NestLog implements LoggerService {
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

  error(message: unknown): void {
    this.telemetry.error(message instanceof Error ? message.message : String(message), { error: message });
  }

  fatal(message: unknown): void {
    this.error(message);
  }
}
