export type { KafkaConnection, KafkaLogin } from './kafka-client.js';
export * from './kafka-fan-out.js';
