import { connect, type Socket } from 'node:net';

/** A TCP client that sends exactly what it is given, and keeps its side open until it is told otherwise. */
export class RawClient {
  readonly socket: Socket;
  /** Everything received so far. */
  text = '';
  /** Resolves when both sides are closed, or the connection was reset. */
  readonly closed: Promise<void>;
  readonly #waiting: (() => void)[] = [];
  #isClosed = false;

  private constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.socket = connect({ host: hostname.replaceAll(/[[\]]/g, ''), port: Number(port), allowHalfOpen: true });
    this.socket.on('error', () => {});
    this.socket.on('data', (chunk: Buffer) => {
      this.text += chunk.toString('latin1');
      this.#wake();
    });
    this.socket.on('end', () => this.#wake());
    this.closed = new Promise((resolve) => {
      this.socket.on('close', () => {
        this.#isClosed = true;
        this.#wake();
        resolve();
      });
    });
  }

  static async open(url: string, bytes = ''): Promise<RawClient> {
    const client = new RawClient(url);
    await new Promise((resolve) => client.socket.once('connect', resolve));
    if (bytes !== '') client.send(bytes);
    return client;
  }

  send(bytes: string): void {
    this.socket.write(bytes, 'latin1');
  }

  /** Stops reading, as a client that hangs does. */
  stopReading(): void {
    this.socket.pause();
  }

  /** Resolves with what was received, once `found` finds what it looks for. */
  async until(found: (text: string) => boolean): Promise<string> {
    while (!found(this.text)) {
      if (this.#isClosed || this.socket.readableEnded) throw new Error(`the connection ended after: ${this.text}`);
      await this.#more();
    }
    return this.text;
  }

  /** Resolves with everything that was received, when the server has closed its side. */
  async rest(): Promise<string> {
    while (!this.#isClosed && !this.socket.readableEnded) await this.#more();
    return this.text;
  }

  get statuses(): readonly number[] {
    return Array.from(this.text.matchAll(/HTTP\/1\.1 (\d{3})/g), ([, status]) => Number(status));
  }

  destroy(): void {
    this.socket.destroy();
  }

  #more(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** A request as it is on the wire. */
export function rawRequest(method: string, path: string, headers: Readonly<Record<string, string>> = {}): string {
  const lines = Object.entries({ host: '127.0.0.1', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
}
