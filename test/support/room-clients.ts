import { WebSocket } from 'ws';

/** A frame as a client of a room gets it. */
export interface RoomFrame {
  readonly type: string;
  readonly frameId?: string;
  readonly giftId?: string;
  readonly complete?: boolean;
  readonly [field: string]: unknown;
}

/** One connection to a room, with everything that came over it. */
export interface RoomConnection {
  readonly frames: readonly RoomFrame[];
  /** Resolves when it is over: the WebSocket's close code, or the HTTP status of an SSE stream. */
  readonly over: Promise<number>;
  close(): void;
}

type OnFrame = (frame: RoomFrame) => void;

export function openWebSocket(
  url: string,
  roomId: string,
  from: string | null,
  onFrame: OnFrame = () => {},
): RoomConnection {
  const query = from === null ? '' : `?from=${encodeURIComponent(from)}`;
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/rooms/${roomId}/live${query}`);
  const frames: RoomFrame[] = [];
  socket.on('message', (bytes: Buffer) => {
    const frame = JSON.parse(bytes.toString()) as RoomFrame;
    frames.push(frame);
    onFrame(frame);
  });
  socket.on('error', () => {});
  const over = new Promise<number>((done) => socket.once('close', (code) => done(code)));
  return { frames, over, close: () => socket.close() };
}

/** An SSE client of its own, so that what stands on the wire is what the test sees. */
export function openSse(
  url: string,
  roomId: string,
  lastEventId: string | null,
  onFrame: OnFrame = () => {},
): RoomConnection {
  const stop = new AbortController();
  const frames: RoomFrame[] = [];
  const headers: Record<string, string> = { accept: 'text/event-stream' };
  if (lastEventId !== null) headers['last-event-id'] = lastEventId;
  const read = async (): Promise<number> => {
    let status = 0;
    try {
      const response = await fetch(`${url}/v1/rooms/${roomId}/events`, { headers, signal: stop.signal });
      status = response.status;
      if (status !== 200 || response.body === null) {
        await response.arrayBuffer();
        return status;
      }
      for await (const { event, id, data } of sseEvents(response.body)) {
        if (data === '') continue;
        const frame = JSON.parse(data) as RoomFrame;
        if (frame.type !== event) throw new Error(`event ${event} carries a frame ${frame.type}`);
        if (frame.type === 'gift' && frame.frameId !== id) throw new Error(`the SSE id ${id} is not ${frame.frameId}`);
        frames.push(frame);
        onFrame(frame);
      }
    } catch (error) {
      if (error instanceof Error && /^(event|the SSE id) /.test(error.message)) throw error;
    }
    return status;
  };
  return { frames, over: read(), close: () => stop.abort() };
}

interface SseEvent {
  readonly event: string;
  readonly id: string;
  readonly data: string;
}

async function* sseEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<SseEvent> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true });
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      const fields = new Map<string, string>();
      for (const line of text.slice(0, end).split('\n')) {
        const colon = line.indexOf(':');
        if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).replace(/^ /, ''));
      }
      text = text.slice(end + 2);
      yield { event: fields.get('event') ?? 'message', id: fields.get('id') ?? '', data: fields.get('data') ?? '' };
    }
  }
}

/** Listens to a room across everything that breaks its connections, resuming from its last frame each time. */
export class ResumingListener {
  /** Gift ids in the order of arrival, each once. */
  readonly giftIds: string[] = [];
  readonly #seen = new Set<string>();
  /** How many gifts had come when it was told that it cannot have what it missed. */
  readonly gapsTold: number[] = [];
  completeResumes = 0;
  readonly complaints: string[] = [];
  #lastFrameId: string | null = null;
  #connection: RoomConnection | null = null;
  #stopped = false;
  #running: Promise<void> = Promise.resolve();
  readonly #urls: readonly string[];

  /** @param urls of one server, or of several of which it takes another one each time */
  constructor(
    urls: string | readonly string[],
    private readonly roomId: string,
    private readonly over: 'sse' | 'websocket',
  ) {
    this.#urls = typeof urls === 'string' ? [urls] : urls;
  }

  /** Resolves at the first welcome. */
  async start(): Promise<void> {
    await new Promise<void>((welcomed) => {
      this.#running = this.#run(welcomed);
    });
  }

  /** Breaks off, and resumes at the next server. */
  move(): void {
    this.#connection?.close();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#connection?.close();
    await this.#running;
  }

  async #run(welcomed: () => void): Promise<void> {
    const open = this.over === 'sse' ? openSse : openWebSocket;
    for (let turn = 0; !this.#stopped; turn++) {
      const url = this.#urls[turn % this.#urls.length]!;
      const sentOnThisConnection = new Set<string>();
      this.#connection = open(url, this.roomId, this.#lastFrameId, (frame) => {
        this.#take(frame, sentOnThisConnection);
        if (frame.type === 'welcome') welcomed();
      });
      await this.#connection.over;
      await new Promise((done) => setTimeout(done, 25));
    }
  }

  #take(frame: RoomFrame, sentOnThisConnection: Set<string>): void {
    if (frame.type === 'welcome') this.#lastFrameId = frame.frameId ?? null;
    if (frame.type === 'recovered' && frame.complete === true) this.completeResumes += 1;
    if (frame.type === 'recovered' && frame.complete === false) this.gapsTold.push(this.giftIds.length);
    if (frame.type !== 'gift') return;
    const giftId = frame.giftId!;
    if (sentOnThisConnection.has(giftId)) this.complaints.push(`${giftId} came twice over one connection`);
    sentOnThisConnection.add(giftId);
    this.#lastFrameId = frame.frameId ?? this.#lastFrameId;
    if (this.#seen.has(giftId)) return;
    this.#seen.add(giftId);
    this.giftIds.push(giftId);
  }
}
