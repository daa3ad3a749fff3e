import { InterruptedError } from './exit-codes.js';

/**
 * Runs `work` with a signal that is aborted at Ctrl-C (or SIGTERM), so that the work can end in order and print its
 * summary. A second Ctrl-C ends the process at once.
 * @throws InterruptedError after `work` has returned early
 */
export async function interruptible<Result>(work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const stop = new AbortController();
  const abort = (): void => stop.abort();
  process.once('SIGINT', abort);
  process.once('SIGTERM', abort);
  try {
    const result = await work(stop.signal);
    if (stop.signal.aborted) throw new InterruptedError();
    return result;
  } finally {
    process.removeListener('SIGINT', abort);
    process.removeListener('SIGTERM', abort);
  }
}
