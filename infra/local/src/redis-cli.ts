import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ANSWER_MS_MAX = 30_000;
const ANSWER_BYTES_MAX = 50_000_000;

/** `redis-cli` against one server of ours. */
export class RedisCli {
  constructor(
    private readonly program: string,
    readonly port: number,
    private readonly password: string | undefined,
  ) {}

  /** @throws Error when the server is away or answers with an error */
  async ask(...command: readonly string[]): Promise<string> {
    const { stdout } = await run(this.program, ['-e', '-h', '127.0.0.1', '-p', String(this.port), ...command], {
      env: { ...process.env, ...(this.password === undefined ? {} : { REDISCLI_AUTH: this.password }) },
      timeout: ANSWER_MS_MAX,
      maxBuffer: ANSWER_BYTES_MAX,
    });
    return stdout.trimEnd();
  }

  /** The fields of a section of INFO; null when the server is away. */
  async info(section: string): Promise<ReadonlyMap<string, string> | null> {
    const answer = await this.ask('INFO', section).catch(() => null);
    if (answer === null) return null;
    const fields = answer.split(/\r?\n/).map((line) => line.split(':', 2) as [string, string]);
    return new Map(fields.filter((field) => field.length === 2));
  }
}
