// What a container asks its own app: `node infra/docker/health.mjs /health/ready`. Exit 0 is yes.
const ANSWER_MS_MAX = 2_500;

const path = process.argv[2] ?? '/health/live';
const port = process.env.PORT || '3000';
/** Where the app listens, or this machine if it listens everywhere. */
const told = process.env.HOST || '127.0.0.1';
const host = ['0.0.0.0', '::'].includes(told) ? '127.0.0.1' : told.includes(':') ? `[${told}]` : told;

try {
  const answer = await fetch(`http://${host}:${port}${path}`, { signal: AbortSignal.timeout(ANSWER_MS_MAX) });
  // The text says which part is not ready; `docker inspect` shows it.
  process.stdout.write(await answer.text());
  process.exitCode = answer.ok ? 0 : 1;
} catch (error) {
  process.stdout.write(`no answer: ${error.cause?.code ?? error.name}`);
  process.exitCode = 1;
}
