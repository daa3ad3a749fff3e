import { urlOf, type ApiTarget } from '../source/api-target.js';
import type { Outside } from './send-chunk.js';

/** An answer that takes longer is not waited for; the chunk is sent again. */
const ANSWER_MS_MAX = 120_000;

/** The import of a running engine, over HTTP. */
export function historyApi(target: ApiTarget, say: (note: string) => void): Outside {
  const url = urlOf(target, '/v1/history/import');
  const headers = {
    'content-type': 'application/x-ndjson',
    ...(target.authorization === null ? {} : { authorization: target.authorization }),
  };
  return {
    address: target.url,
    say,
    elapsedMs: () => performance.now(),
    post: async (body, signal) => {
      const timeout = AbortSignal.timeout(ANSWER_MS_MAX);
      const init = { method: 'POST', headers, body, signal: AbortSignal.any([signal, timeout]) };
      const response = await fetch(url, init);
      return { status: response.status, retryAfter: response.headers.get('retry-after'), text: await response.text() };
    },
    pause,
  };
}

/** Ends early, without an error, when the signal is aborted. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
    if (signal.aborted) done();
  });
}
