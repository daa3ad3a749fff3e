// The load generator: a process of its own, raw sockets, one request in flight per connection, every answer's status checked.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { fileURLToPath } from 'node:url';
import { quantile } from './row.js';

export interface LoadOrder {
  readonly port: number;
  readonly connections: number;
  /** Requests sent in all. */
  readonly requests: number;
  readonly kind: RequestKind;
  /** Wallets that the requests are spread over, round robin. */
  readonly wallets: number;
  readonly rooms: number;
  /** Makes idempotency keys and payment ids unique over several loads. */
  readonly tag: string;
}

export type RequestKind = 'open-room' | 'open-wallet' | 'buy' | 'gift' | 'bulk';

export const BULK_LINES = 1_000;

export interface LoadResult {
  readonly seconds: number;
  readonly answered: number;
  /** Answers whose status was none of 200 and 201, and bulk lines that were not accepted. */
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Runs the load in another process, so that the server under test keeps its core. */
export async function load(order: LoadOrder): Promise<LoadResult> {
  const child = fork(fileURLToPath(import.meta.url), ['generate'], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  child.send(order);
  const [result] = (await once(child, 'message')) as [LoadResult];
  child.disconnect();
  return result;
}

function requestOf(order: LoadOrder, index: number): Buffer {
  const viewer = `v-${index % order.wallets}`;
  const room = `room-${index % order.rooms}`;
  switch (order.kind) {
    case 'open-room':
      return post('/v1/rooms', { roomId: room, creatorId: `creator-${index % order.rooms}` }, null);
    case 'open-wallet':
      return post('/v1/wallets', { viewerId: viewer, region: 'DE', ageAssured: true }, null);
    case 'buy':
      return post(
        `/v1/wallets/${viewer}/purchases`,
        {
          coins: 900_000_000,
          price: { amountMinor: 499, currency: 'USD' },
          provider: 'bench',
          paymentId: `${order.tag}-${index}`,
        },
        `${order.tag}-${index}`,
      );
    case 'gift':
      return post(`/v1/rooms/${room}/gifts`, { viewerId: viewer, gift: 'rose', quantity: 1 }, `${order.tag}-${index}`);
    case 'bulk':
      return bulk(order, index);
  }
}

function bulk(order: LoadOrder, index: number): Buffer {
  const lines: string[] = [];
  for (let line = 0; line < BULK_LINES; line++) {
    const gift = index * BULK_LINES + line;
    lines.push(
      `{"idempotencyKey":"${order.tag}-${gift}","roomId":"room-${gift % order.rooms}","viewerId":"v-${gift % order.wallets}","gift":"rose","quantity":1}`,
    );
  }
  return raw('/v1/gifts/bulk', 'application/x-ndjson', lines.join('\n'), null);
}

function post(path: string, body: unknown, key: string | null): Buffer {
  return raw(path, 'application/json', JSON.stringify(body), key);
}

function raw(path: string, type: string, body: string, key: string | null): Buffer {
  const keyLine = key === null ? '' : `idempotency-key: ${key}\r\n`;
  return Buffer.from(
    `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: ${type}\r\n${keyLine}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

async function generate(order: LoadOrder): Promise<LoadResult> {
  const prepared = Array.from({ length: order.requests }, (_, index) => requestOf(order, index));
  const latencies = new Float64Array(order.requests);
  const state = { next: 0, answered: 0, failed: 0 };
  const begun = performance.now();
  await Promise.all(Array.from({ length: order.connections }, () => oneConnection(order, prepared, latencies, state)));
  return {
    seconds: (performance.now() - begun) / 1_000,
    answered: state.answered,
    failed: state.failed,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
  };
}

function oneConnection(
  order: LoadOrder,
  prepared: readonly Buffer[],
  latencies: Float64Array,
  state: { next: number; answered: number; failed: number },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(order.port, '127.0.0.1');
    socket.setNoDelay(true);
    let sentAt = 0;
    let current = 0;
    let answer = '';
    const send = (): void => {
      if (state.next >= prepared.length) {
        socket.end();
        resolve();
        return;
      }
      current = state.next++;
      sentAt = performance.now();
      socket.write(prepared[current]!);
    };
    socket.on('connect', send);
    socket.on('error', reject);
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
      if (!isWhole(answer)) return;
      latencies[current] = performance.now() - sentAt;
      state.answered++;
      if (!/^HTTP\/1\.1 20[01] /.test(answer)) state.failed++;
      else if (order.kind === 'bulk') state.failed += BULK_LINES - answer.split('"accepted"').length + 1;
      answer = '';
      send();
    });
  });
}

function isWhole(answer: string): boolean {
  const end = answer.indexOf('\r\n\r\n');
  if (end < 0) return false;
  const length = /content-length: (\d+)/i.exec(answer.slice(0, end));
  if (length !== null) return answer.length >= end + 4 + Number(length[1]);
  return answer.endsWith('0\r\n\r\n');
}

if (process.argv[2] === 'generate' && process.send !== undefined) {
  process.once('message', (order: LoadOrder) => {
    void generate(order).then((result) => process.send!(result));
  });
}
