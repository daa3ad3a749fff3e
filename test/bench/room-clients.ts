// WebSocket clients over raw sockets, in a process of their own: they count every frame, and some read them.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { request as httpRequest, Agent } from 'node:http';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { quantile } from './row.js';

export interface RoomOrder {
  /** Where the clients connect. */
  readonly port: number;
  /** Where the gifts are sent. Default: the same. */
  readonly giftPort?: number;
  /** With several rooms, how their ids begin; a number follows. */
  readonly roomId: string;
  /** Of several rooms, each has a viewer of its own, with the same number. */
  readonly viewerId: string;
  /** Default 1. Clients and gifts are dealt out in turn, so that both are multiples of it. */
  readonly rooms?: number;
  readonly clients: number;
  /** One client in so many reads its frames, the others count them. Default 40. */
  readonly readsEvery?: number;
  /** How long after the last gift its frames are waited for. Default 5 s. */
  readonly patienceMs?: number;
  readonly giftsPerSecond: number;
  readonly seconds: number;
  readonly tag: string;
}

export interface RoomResult {
  readonly gifts: number;
  /** Gift frames that arrived, over all clients. */
  readonly delivered: number;
  /** Gift frames that did not, in time. */
  readonly missing: number;
  /** Gifts that a reading client saw twice, or not in the order of the log. */
  readonly disordered: number;
  /** From sending the gift's request to the end of its frame, at the reading clients. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

const READS_EVERY_DEFAULT = 40;
const SEND_EVERY_MS = 10;
const PATIENCE_MS_DEFAULT = 5_000;
/** Every frame is longer than the longest header: a keep-alive is 24 bytes. */
const EMPTY = Buffer.alloc(0);
const GIFT = 'g'.charCodeAt(0);
const TYPE_AT = '{"type":"'.length;

export async function watchRoom(order: RoomOrder): Promise<RoomResult> {
  const child = fork(fileURLToPath(import.meta.url), ['watch'], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  child.send(order);
  const [result] = (await once(child, 'message')) as [RoomResult];
  child.disconnect();
  return result;
}

const nowMs = (): number => performance.timeOrigin + performance.now();

class RoomClient {
  gifts = 0;
  disordered = 0;
  readonly latenciesMs: number[] = [];
  #rest: Buffer = EMPTY;
  readonly #seen = new Set<number>();
  #position = '';

  constructor(
    readonly socket: Socket,
    private readonly reads: boolean,
  ) {}

  /** Walks the frames where they lie: half a million a second leave no time for a view of each. */
  take(chunk: Buffer): void {
    const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const { length } = data;
    let at = 0;
    while (length - at >= 10) {
      const short = data[at + 1]! & 0x7f;
      const start = at + (short < 126 ? 2 : short === 126 ? 4 : 10);
      const end = start + (short < 126 ? short : short === 126 ? data.readUInt16BE(at + 2) : data.readUInt32BE(at + 6));
      if (end > length) break;
      if (data[at] === 0x81 && data[start + TYPE_AT] === GIFT) this.#gift(data, start, end);
      at = end;
    }
    this.#rest = at === length ? EMPTY : data.subarray(at);
  }

  #gift(data: Buffer, start: number, end: number): void {
    this.gifts += 1;
    if (!this.reads) return;
    const { message, position } = JSON.parse(data.toString('utf8', start, end)) as {
      message: string;
      position: string;
    };
    const [sequence, sentMs] = message.split(' ').map(Number) as [number, number];
    this.latenciesMs.push(nowMs() - sentMs);
    if (position <= this.#position || this.#seen.has(sequence)) this.disordered += 1;
    this.#position = position;
    this.#seen.add(sequence);
  }
}

/** The room, or the viewer, of this client or gift. */
function nameOf(name: string, number: number, { rooms = 1 }: RoomOrder): string {
  return rooms === 1 ? name : `${name}-${number % rooms}`;
}

async function openClient(order: RoomOrder, number: number): Promise<RoomClient> {
  const { rooms = 1, readsEvery = READS_EVERY_DEFAULT } = order;
  const reads = Math.floor(number / rooms) % readsEvery === 0;
  const socket = connect({ host: '127.0.0.1', port: order.port, noDelay: true });
  await once(socket, 'connect');
  socket.write(
    `GET /v1/rooms/${nameOf(order.roomId, number, order)}/live HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  const client = new RoomClient(socket, reads);
  await new Promise<void>((resolve, reject) => {
    let head = Buffer.alloc(0);
    const onHead = (chunk: Buffer): void => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      if (!head.toString('latin1').startsWith('HTTP/1.1 101')) return reject(new Error(head.toString('latin1')));
      socket.off('data', onHead);
      const rest = head.subarray(end + 4);
      // The welcome says that this client is in the room.
      const onWelcome = (first: Buffer): void => {
        client.take(first);
        resolve();
      };
      if (rest.length > 0) onWelcome(rest);
      else socket.once('data', onWelcome);
      socket.on('data', (data: Buffer) => client.take(data));
    };
    socket.on('data', onHead);
    socket.on('error', reject);
  });
  return client;
}

const agent = new Agent({ keepAlive: true, maxSockets: 8 });

function sendGifts(order: RoomOrder, from: number, to: number): Promise<void> {
  const { tag } = order;
  const lines: string[] = [];
  for (let sequence = from; sequence < to; sequence++) {
    const message = `${sequence} ${nowMs().toFixed(3)}`;
    const sender = { name: 'A viewer with a name' };
    const roomId = nameOf(order.roomId, sequence, order);
    const viewerId = nameOf(order.viewerId, sequence, order);
    lines.push(
      JSON.stringify({ idempotencyKey: `${tag}-${sequence}`, roomId, viewerId, gift: 'rose', message, sender }),
    );
  }
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/x-ndjson' };
    const options = {
      host: '127.0.0.1',
      port: order.giftPort ?? order.port,
      path: '/v1/gifts/bulk',
      method: 'POST',
      agent,
      headers,
    };
    const asked = httpRequest(options, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => (text += part));
      answer.on('end', () => {
        const accepted = text.split('"status":"accepted"').length - 1;
        if (accepted === to - from) resolve();
        else reject(new Error(`${to - from - accepted} gifts were not accepted: ${text.slice(0, 500)}`));
      });
    });
    asked.on('error', reject);
    asked.end(`${lines.join('\n')}\n`);
  });
}

async function watch(order: RoomOrder): Promise<RoomResult> {
  const clients: RoomClient[] = [];
  while (clients.length < order.clients) {
    const count = Math.min(100, order.clients - clients.length);
    const opening = Array.from({ length: count }, (_, index) => openClient(order, clients.length + index));
    clients.push(...(await Promise.all(opening)));
  }
  const gifts = order.giftsPerSecond * order.seconds;
  await sendPaced(order, gifts);
  const expected = (gifts * order.clients) / (order.rooms ?? 1);
  const delivered = (): number => clients.reduce((sum, client) => sum + client.gifts, 0);
  const { patienceMs = PATIENCE_MS_DEFAULT } = order;
  for (const endMs = nowMs() + patienceMs; nowMs() < endMs && delivered() < expected;) await pause(50);
  for (const { socket } of clients) socket.destroy();
  const latencies = Float64Array.from(clients.flatMap(({ latenciesMs }) => latenciesMs));
  return {
    gifts,
    delivered: delivered(),
    missing: expected - delivered(),
    disordered: clients.reduce((sum, client) => sum + client.disordered, 0),
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    maxMs: quantile(latencies, 1),
  };
}

/** At the pace that was asked for, whether answers have come or not. */
async function sendPaced(order: RoomOrder, gifts: number): Promise<void> {
  const startMs = nowMs();
  const answers: Promise<void>[] = [];
  for (let sent = 0; sent < gifts;) {
    await pause(SEND_EVERY_MS);
    const due = Math.min(gifts, Math.floor(((nowMs() - startMs) / 1_000) * order.giftsPerSecond));
    if (due > sent) answers.push(sendGifts(order, sent, due));
    sent = due;
  }
  await Promise.all(answers);
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

if (process.argv[2] === 'watch') {
  process.once('message', (order: RoomOrder) => {
    void watch(order).then((result) => process.send!(result));
  });
}
