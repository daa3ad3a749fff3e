import type { Command } from 'commander';
import { describeSource, directorySource, logSource, type LogSource, type SourceFlags } from './log-source.js';

/** Adds the flags that choose the log, and says in the help how it is chosen without them. */
export function addSourceOptions(verb: Command): Command {
  return addDataDirOption(verb).option('--event-store <esdb://…>', 'the EventStoreDB of a cluster');
}

/** For a verb that works on a data directory alone. */
export function addDataDirOption(verb: Command): Command {
  return verb.option(
    '--data-dir <dir>',
    "the engine's data directory; without it PROFILE and DATA_DIR decide (./data)",
  );
}

/** The log that the flags and the environment choose; says on stderr which one that is. @throws UsageError */
export function chosenSource(flags: SourceFlags, doing: string): LogSource {
  const source = logSource(flags, process.env);
  process.stderr.write(`livegift: ${doing} ${describeSource(source)}\n`);
  return source;
}

/** As `chosenSource`, for a verb that works on a data directory alone. @throws UsageError */
export function chosenDirectory(flags: SourceFlags, doing: string, instead: string): string {
  const directory = directorySource(flags, process.env, instead);
  process.stderr.write(`livegift: ${doing} ${describeSource(logSource(flags, process.env))}\n`);
  return directory;
}
