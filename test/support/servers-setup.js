import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** jest's globalSetup: what cannot be had is told to the suites (`servers.ts`) through the environment. */
export default function findOrInstallServers({ rootDir }) {
  if (process.env.LIVEGIFT_MISSING_SERVERS !== undefined) return;
  const installer = join(rootDir, 'infra/local/dist/install-main.js');
  if (!existsSync(installer)) return;
  const { stdout, status } = spawnSync(process.execPath, [installer], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status === 0) process.env.LIVEGIFT_MISSING_SERVERS = stdout;
}
