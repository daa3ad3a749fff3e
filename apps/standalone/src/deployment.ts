import {
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

const DEPLOYMENT_FILE = 'deployment.json';
const FILE_MODE = 0o600;
const { O_CREAT, O_NOFOLLOW, O_TRUNC, O_WRONLY } = constants;

/** What is chosen once for a data directory, because answers already given depend on it. */
export interface Deployment {
  readonly boardUtcOffset: string;
}

export class DeploymentError extends Error {
  override readonly name = 'DeploymentError';
}

/**
 * Holds this start's choices against those made with the data directory; the first start makes them. Call it while
 * holding the directory.
 * @throws DeploymentError when they differ
 */
export function keepDeployment(directory: string, chosen: Deployment): void {
  const file = join(directory, DEPLOYMENT_FILE);
  if (!existsSync(file)) {
    write(file, chosen);
    return;
  }
  const made = read(file);
  if (made.boardUtcOffset === chosen.boardUtcOffset) return;
  throw new DeploymentError(
    `BOARD_UTC_OFFSET is not the one that ${directory} was made with (${made.boardUtcOffset}): days and weeks of its ` +
      `leaderboards begin by it. Set it back, or start with another DATA_DIR.`,
  );
}

function read(file: string): Deployment {
  try {
    const { boardUtcOffset } = JSON.parse(readFileSync(file, 'utf8')) as { boardUtcOffset?: unknown };
    if (typeof boardUtcOffset === 'string') return { boardUtcOffset };
  } catch {
    // Falls through to the one message.
  }
  throw new DeploymentError(`${file} cannot be read: it should hold {"boardUtcOffset":"+00:00"}`);
}

/** Written beside and renamed, so that a crash leaves the whole file or none. */
function write(file: string, deployment: Deployment): void {
  const beside = `${file}.new`;
  const descriptor = openSync(beside, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, FILE_MODE);
  try {
    writeFileSync(descriptor, `${JSON.stringify(deployment)}\n`);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(beside, file);
}
