import type { Command } from 'commander';
import { EXIT } from '../exit-codes.js';
import { interruptible } from '../interruption.js';
import { progressOn } from '../progress.js';
import { apiTarget } from '../source/api-target.js';
import { historyApi } from './history-api.js';
import type { RefusedRow } from './history-rows.js';
import { importFile, type ImportReport, type RowProblem } from './import-file.js';
import { sentenceOf, sentencesOf } from './row-sentences.js';

const HELP = `
The file has a header with the columns at, room_id, creator_id, viewer_id, coins in any order; other columns are ignored.
It is UTF-8, with a comma between values and LF or CRLF at the end of lines. at is a time in UTC
(2016-07-01T01:16:53Z), coins a whole number in digits alone. A row that breaks a rule is never guessed: it is named on
stderr with its line, column, value and rule, and is not sent. A file whose header is wrong, or which is not CSV to its
end, is refused before anything is sent.

A row counts once, however often it is sent and in whatever file: its values, and which occurrence of that same row in
the file it is, identify it.

Prints a summary as one line of JSON on stdout. Exits 1 when a row was not taken or the import did not reach the end.

Examples:
  livegift import gifts.csv
  livegift import gifts.csv --api https://gifts.example/engine
  PORT=4000 livegift import gifts.csv`;

export function addImport(program: Command): void {
  program
    .command('import')
    .description('send a CSV file of past gifts to a running engine; it may be sent again without harm')
    .argument('<file>', 'the CSV file')
    .option('--api <url>', 'the URL of the engine; without it HOST and PORT decide (http://127.0.0.1:3000)')
    .addHelpText('after', HELP)
    .action(async (file: string, options: { readonly api?: string }) => {
      const target = apiTarget(options.api, process.env);
      say(`importing ${file} into ${target.url} (${target.chosenBy})`);
      await interruptible(async (signal) => {
        const report = reportTo(progressOn(process.stderr, 'import', 'rows'));
        const summary = await importFile(file, historyApi(target, say), report, signal);
        process.stdout.write(`${JSON.stringify(summary)}\n`);
        if (signal.aborted) say('interrupted; run the same command again to go on');
        if (!summary.complete || summary.refused + summary.invalid > 0) process.exitCode = EXIT.finding;
      });
    });
}

function say(note: string): void {
  process.stderr.write(`livegift: ${note}\n`);
}

function reportTo(progress: ImportReport['progress']): ImportReport {
  return {
    progress,
    ignored: (columns) => {
      if (columns.length > 0)
        say(`columns that are not imported: ${columns.map((name) => JSON.stringify(name)).join(', ')}`);
    },
    unreadable: (row: RefusedRow) => {
      for (const sentence of sentencesOf(row)) process.stderr.write(`${sentence}\n`);
    },
    problem: (problem: RowProblem) => {
      process.stderr.write(`${sentenceOf(problem)}\n`);
    },
    stopped: (reason) => say(reason.message),
  };
}
