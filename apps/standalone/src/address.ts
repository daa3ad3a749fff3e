import { createServer } from 'node:net';

/** Another process listens there, or this user may not. */
export class AddressTakenError extends Error {
  override readonly name = 'AddressTakenError';
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process listens there',
  EACCES: 'this user may not listen there',
  EADDRNOTAVAIL: 'this machine does not have that address',
};

/**
 * Asks before anything is written: an engine that cannot listen must not leave a data directory behind.
 * @throws AddressTakenError
 */
export async function assertAddressFree(host: string, port: number): Promise<void> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port, exclusive: true }, resolve);
    });
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    const reason = REASONS[code] ?? message;
    throw new AddressTakenError(`cannot listen on ${host}:${port}: ${reason}. Set HOST or PORT to another address`);
  }
  await new Promise<void>((resolve) => server.close(() => resolve()));
}
