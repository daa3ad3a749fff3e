import { Command, CommanderError } from 'commander';
import { addAudit } from './audit/audit.verb.js';
import { addBackup } from './backup/backup.verb.js';
import { EXIT, StoppedError, UsageError } from './exit-codes.js';
import { addImport } from './import/import.verb.js';

// Whoever reads stdout may have seen enough (`| head`): then there is nobody left to write for.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(EXIT.finding);
});

const program = new Command('livegift')
  .description('Tools of the live-gifting engine. Progress goes to stderr, data to stdout.')
  .addHelpText('after', '\nExit codes: 0 all well, 1 a finding, 2 wrong usage.')
  .exitOverride();
addImport(program);
addAudit(program);
addBackup(program);
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
  if (error instanceof StoppedError) return complain(error.message, EXIT.finding);
  return complain(error instanceof Error ? (error.stack ?? error.message) : String(error), EXIT.finding);
}

function complain(message: string, exitCode: number): number {
  process.stderr.write(`livegift: ${message}\n`);
  return exitCode;
}
