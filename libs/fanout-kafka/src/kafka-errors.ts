import { FanOutError } from '@livegift/fanout';
import type { Telemetry } from '@livegift/kernel';
import { logLevel, type logCreator } from 'kafkajs';

/** What the broker answers to a producer that another one with its transactional id has replaced. */
const FENCED: ReadonlySet<unknown> = new Set(['INVALID_PRODUCER_EPOCH', 'PRODUCER_FENCED']);

/** What failed, as the port says it. */
export function fanOutError(doing: string, error: unknown): FanOutError {
  if (error instanceof FanOutError) return error;
  const causes = causesOf(error);
  const fenced = causes.some((cause) => FENCED.has((cause as { type?: unknown }).type));
  const said = causes.map(({ message }) => message).find(Boolean) ?? String(error);
  return fenced
    ? new FanOutError('fenced', `a later publisher has taken over (${doing})`, { cause: error })
    : new FanOutError('unavailable', `Kafka: ${doing}: ${said}`, { cause: error });
}

/** kafkajs says of what the broker answers whether it may pass. */
export function isRetriable(error: unknown): boolean {
  return causesOf(error).some((cause) => (cause as { retriable?: unknown }).retriable === true);
}

/** kafkajs wraps errors, sometimes twice, under either name. */
function causesOf(error: unknown): readonly Error[] {
  const causes: Error[] = [];
  for (let at = error; at instanceof Error && !causes.includes(at);) {
    causes.push(at);
    at = (at as { originalError?: unknown }).originalError ?? at.cause;
  }
  return causes;
}

/**
 * kafkajs shouts ERROR at every refusing answer, which it then mostly tries again: a broker that is just starting gives
 * dozens of them. Those are counted only; what fails for good reaches us as an error, and we say it ourselves.
 */
export function quietLog(telemetry: Telemetry): logCreator {
  return () =>
    ({ level, namespace, log }) => {
      if (level > logLevel.WARN || level === logLevel.NOTHING) return;
      telemetry.count('kafka_client_complaints');
      const { message, error, broker, retryCount } = log;
      if (level === logLevel.WARN || retryCount !== undefined || message.startsWith('Response ')) return;
      telemetry.info(`kafkajs: ${message}`, { namespace, error: String(error ?? ''), broker: String(broker ?? '') });
    };
}
