import { closeSync, openSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';

/** The shortest limit of today's systems (macOS: 104 with the final zero). */
const SOCKET_PATH_BYTES_MAX = 100;
const SOCKET_NAME = /^writer\.[0-9a-f-]{36}\.sock$/;

/** A path to a socket that is short enough for the system; `release` when it has been used. */
interface SocketPath {
  readonly path: string;
  release(): void;
}

/** A socket in the data directory that listens as long as this process lives. */
export interface DirectorySocket {
  readonly name: string;
  close(): void;
}

/** Null where the file system, or the system, has no such sockets. */
export async function listenInDirectory(directory: string, token: string): Promise<DirectorySocket | null> {
  const name = `writer.${token}.sock`;
  const path = socketPath(directory, name);
  if (path === null) return null;
  try {
    const server = await listening(path.path);
    return {
      name,
      close: () => {
        server.close();
        removeSocket(directory, name);
      },
    };
  } catch {
    return null;
  } finally {
    path.release();
  }
}

/** Removes what a process that was killed has left. */
export function removeSocket(directory: string, name: string): void {
  if (SOCKET_NAME.test(name)) rmSync(join(directory, name), { force: true });
}

/** Null where there is no way to name it. */
export function socketPath(directory: string, name: string): SocketPath | null {
  if (!SOCKET_NAME.test(name) || process.platform === 'win32') return null;
  const path = join(directory, name);
  if (Buffer.byteLength(path) <= SOCKET_PATH_BYTES_MAX) return { path, release: () => {} };
  if (process.platform !== 'linux') return null;
  try {
    const descriptor = openSync(directory, 'r');
    return { path: `/proc/self/fd/${descriptor}/${name}`, release: () => closeSync(descriptor) };
  } catch {
    return null;
  }
}

function listening(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((connection) => {
      // A caller that hangs up early is no error: it only wants to know that this process lives.
      connection.on('error', () => {});
      connection.destroy();
    });
    server.once('error', reject);
    server.listen({ path }, () => {
      server.unref();
      resolve(server);
    });
  });
}
