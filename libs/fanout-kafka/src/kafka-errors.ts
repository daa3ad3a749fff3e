import { FanOutError } from '@livegift/fanout';
import type { Telemetry } from '@livegift/kernel';
import { logLevel, type logCreator } from 'kafkajs';

/** What the broker answers to a producer that another one with its transactional id has replaced. */
const FENCED: ReadonlySet<unknown> = new Set(['INVALID_PRODUCER_EPOCH', 'PRODUCER_FENCED']);

/** The broker does not know us, or not in this way. */
const NOT_LET_IN: ReadonlySet<unknown> = new Set(['SASL_AUTHENTICATION_FAILED', 'UNSUPPORTED_SASL_MECHANISM']);
/**
 * kafkajs says that the login has failed also when the connection broke while it went on, as with a broker that is being
 * restarted; only its words tell, in which that failure's own stand at the end.
 */
const CUT_OFF = / failed: (Closed connection|Connection |Not connected|Request .* timed out)/;

/** What failed, as the port says it. */
export function fanOutError(doing: string, error: unknown): FanOutError {
  if (error instanceof FanOutError) return error;
  const causes = causesOf(error);
  const fenced = causes.some((cause) => FENCED.has((cause as { type?: unknown }).type));
  if (fenced) return new FanOutError('fenced', `a later publisher has taken over (${doing})`, { cause: error });
  const said = causes.map(({ message }) => message).find(Boolean) ?? String(error);
  return causes.some(isRefusedLogin)
    ? new FanOutError('misconfigured', `Kafka does not let us in: ${doing}: ${said}`, { cause: error })
    : new FanOutError('unavailable', `Kafka: ${doing}: ${said}`, { cause: error });
}

function isRefusedLogin(cause: Error): boolean {
  if (NOT_LET_IN.has((cause as { type?: unknown }).type)) return true;
  return cause.name === 'KafkaJSSASLAuthenticationError' && !CUT_OFF.test(cause.message);
}

/** kafkajs says of what the broker answers whether it may pass. */
export function isRetriable(error: unknown): boolean {
  return causesOf(error).some((cause) => (cause as { retriable?: unknown }).retriable === true);
}

/** kafkajs wraps errors, sometimes twice, under either name. Where it has several (topics not made), only those say why. */
function causesOf(error: unknown): readonly Error[] {
  const causes: Error[] = [];
  for (let at = error; at instanceof Error && !causes.includes(at);) {
    const { errors, originalError } = at as { errors?: readonly unknown[]; originalError?: unknown };
    const oneOfMany = errors?.[0];
    if (oneOfMany === undefined) causes.push(at);
    at = oneOfMany ?? originalError ?? at.cause;
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
      telemetry.count('kafka_client_complaints_total');
      const { message, error, broker, retryCount } = log;
      if (level === logLevel.WARN || retryCount !== undefined || message.startsWith('Response ')) return;
      telemetry.info(`kafkajs: ${message}`, { namespace, error: String(error ?? ''), broker: String(broker ?? '') });
    };
}
