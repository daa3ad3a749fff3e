import { connect, type Socket } from 'node:net';
import { startEngine, type Engine } from '../support/engine.js';

const READY_MS_MAX = 60_000;

describe('a shutdown of the engine', () => {
  let engine: Engine;
  const sockets: Socket[] = [];

  beforeAll(async () => {
    engine = await startEngine({ env: { DRAIN_MS_MAX: '8000' } });
  }, READY_MS_MAX);

  afterAll(async () => {
    for (const socket of sockets) socket.destroy();
    await engine.dispose();
  });

  const open = async (bytes: string): Promise<void> => {
    const socket = connect({ port: engine.port, host: '127.0.0.1', allowHalfOpen: true });
    sockets.push(socket);
    socket.on('error', () => {});
    await new Promise((resolve) => socket.once('connect', resolve));
    if (bytes !== '') await new Promise((resolve) => socket.write(bytes, resolve));
  };

  it('ends with exit code 0, though clients hold connections that have sent nothing, or half a head', async () => {
    await open('');
    await open('POST /v1/wallets HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Le');
    await open('GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
    const begunMs = performance.now();
    expect(await engine.stop()).toBe(0);
    // Nothing is being worked on, so it does not wait for the time to drain.
    expect(performance.now() - begunMs).toBeLessThan(5_000);
  });
});
