import { Kafka, type Admin, type SASLOptions } from 'kafkajs';
import type { Telemetry } from '@livegift/kernel';
import { quietLog } from './kafka-errors.js';

/** Runs `work` with a connection of its own: asked rarely, and after a broker's restart an old one may be stale. */
export type WithAdmin = <Result>(work: (admin: Admin) => Promise<Result>) => Promise<Result>;

const CONNECT_MS = 3_000;
const REQUEST_MS = 30_000;
const ADMIN_RETRY = { initialRetryTime: 100, retries: 6 };

/** Who we are to a broker that asks. */
export interface KafkaLogin {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
  readonly user: string;
  /** Never in a message, a log or an error. */
  readonly password: string;
}

export interface KafkaConnection {
  /** `host:port`, at least one. */
  readonly brokers: readonly string[];
  /** How this process is called in the broker's logs; consumer groups begin with it. */
  readonly clientId: string;
  /** Over TLS, trusting whom Node trusts (`NODE_EXTRA_CA_CERTS` names more). Default false: in plain text. */
  readonly tls?: boolean;
  /** Default null: the broker asks nobody. */
  readonly login?: KafkaLogin | null;
}

export function kafkaClient({ brokers, clientId, tls, login }: KafkaConnection, telemetry: Telemetry): Kafka {
  return new Kafka({
    clientId,
    brokers: [...brokers],
    ssl: tls ?? false,
    ...(login ? { sasl: saslOf(login) } : {}),
    connectionTimeout: CONNECT_MS,
    requestTimeout: REQUEST_MS,
    enforceRequestTimeout: true,
    logCreator: quietLog(telemetry),
  });
}

/** An object of its own: kafkajs writes into it. */
function saslOf({ mechanism, user, password }: KafkaLogin): SASLOptions {
  return { mechanism, username: user, password };
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
