import { ENGINE_VERSION } from '@livegift/config';
import { EventStoreError } from '@livegift/event-store';
import { Command, CommanderError } from 'commander';
import { EXIT, InterruptedError, StoppedError, UsageError } from './exit-codes.js';
import { VERBS } from './verbs.js';

// The reader of stdout may have seen enough and closed the pipe (`| head`).
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(EXIT.finding);
});

const program = new Command('livegift')
  .description('Tools of the live-gifting engine. Progress goes to stderr, data to stdout.')
  .version(`livegift ${ENGINE_VERSION}`, '--version', 'print the version')
  .addHelpText('after', '\nExit codes: 0 all well, 1 a finding or a failure, 2 wrong usage, 130 interrupted (Ctrl-C).')
  .exitOverride();
for (const addVerb of VERBS) addVerb(program);
for (const verb of program.commands) verb.exitOverride();

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = explain(error);
}

function explain(error: unknown): number {
  // Commander has printed its own message; help and version end with its code 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.clean : EXIT.usage;
  if (error instanceof UsageError) return complain(error.message, EXIT.usage);
  if (error instanceof StoppedError || error instanceof EventStoreError) return complain(error.message, EXIT.finding);
  if (error instanceof InterruptedError) return EXIT.interrupted;
  return complain(error instanceof Error ? (error.stack ?? error.message) : String(error), EXIT.finding);
}

function complain(message: string, exitCode: number): number {
  process.stderr.write(`livegift: ${message}\n`);
  return exitCode;
}
