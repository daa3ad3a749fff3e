// The reference: a bare node:http server that parses the same POST and answers the same JSON, in a process of its own.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

export async function startBareServer(): Promise<{ readonly port: number; stop(): void }> {
  const child: ChildProcess = fork(fileURLToPath(import.meta.url), ['serve'], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const [port] = (await once(child, 'message')) as [number];
  return { port, stop: () => child.kill() };
}

function serve(): void {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString()) as { viewerId: string; gift: string; quantity: number };
      const answer = JSON.stringify({
        giftId: `${body.viewerId}.1`,
        roomId: 'room-1',
        creatorId: 'creator-1',
        viewerId: body.viewerId,
        gift: body.gift,
        quantity: body.quantity,
        coins: 1,
        diamonds: 50,
        streak: { id: `${body.viewerId}.1`, count: 1 },
        balance: 1,
        position: '0000000000000001',
      });
      response.writeHead(201, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(answer) });
      response.end(answer);
    });
  });
  server.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port));
}

if (process.argv[2] === 'serve') serve();
