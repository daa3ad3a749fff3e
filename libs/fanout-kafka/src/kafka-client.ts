import { Kafka, type Admin } from 'kafkajs';
import type { Telemetry } from '@livegift/kernel';
import { quietLog } from './kafka-errors.js';

/** Runs `work` with a connection of its own: asked rarely, and after a broker's restart an old one may be stale. */
export type WithAdmin = <Result>(work: (admin: Admin) => Promise<Result>) => Promise<Result>;

const CONNECT_MS = 3_000;
const REQUEST_MS = 30_000;
const ADMIN_RETRY = { initialRetryTime: 100, retries: 6 };

export function kafkaClient(brokers: readonly string[], clientId: string, telemetry: Telemetry): Kafka {
  return new Kafka({
    clientId,
    brokers: [...brokers],
    connectionTimeout: CONNECT_MS,
    requestTimeout: REQUEST_MS,
    enforceRequestTimeout: true,
    logCreator: quietLog(telemetry),
  });
}

export function adminOf(kafka: Kafka): WithAdmin {
  return async (work) => {
    const admin = kafka.admin({ retry: ADMIN_RETRY });
    await admin.connect();
    try {
      return await work(admin);
    } finally {
      await admin.disconnect().catch(() => {});
    }
  };
}
