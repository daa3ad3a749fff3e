const FATAL = 1;

/** Ends the process with one clear line, whatever it was; details of the unexpected are for LOG_LEVEL=debug. */
export function fail(error: unknown): never {
  const { message, code } = error as NodeJS.ErrnoException;
  const said =
    code === 'EADDRINUSE'
      ? `the address is in use: ${message}. Is livegift running already? Choose another PORT.`
      : code === 'EACCES' || code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND'
        ? `cannot listen or write there: ${message}`
        : message || String(error);
  process.stderr.write(`livegift: ${said.split('\n', 1)[0]}\n`);
  if (process.env['LOG_LEVEL'] === 'debug') process.stderr.write(`${(error as Error).stack ?? ''}\n`);
  process.exit(FATAL);
}

/** Nothing that was forgotten goes on in silence: the process ends, and whoever runs it starts it again. */
export function failOnUncaught(): void {
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
}

/** A shutdown that did not go as it should have. */
export function breakOff(): never {
  process.exit(FATAL);
}
