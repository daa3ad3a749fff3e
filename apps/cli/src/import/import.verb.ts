import type { Command } from 'commander';
import { EXIT, UsageError } from '../exit-codes.js';
import { progressOn } from '../progress.js';
import { importFile, type RowProblem } from './import-file.js';
import { historyApi } from './send-chunk.js';

const API_DEFAULT = 'http://127.0.0.1:3000';

export function addImport(program: Command): void {
  program
    .command('import')
    .description('send a CSV file of past gifts (at, room_id, creator_id, viewer_id, coins) to a running engine')
    .argument('<file>', 'the CSV file; it is streamed, and may be sent again without harm')
    .option('--api <url>', 'where the engine is', API_DEFAULT)
    .addHelpText(
      'after',
      '\nPrints a summary as JSON on stdout and rows that were not taken on stderr. Exits 1 if there are any.',
    )
    .action(async (file: string, options: { readonly api: string }) => {
      const outside = historyApi(checkedUrl(options.api));
      const summary = await importFile(file, outside, progressOn(process.stderr, 'import', 'rows'), printProblem);
      process.stdout.write(`${JSON.stringify(summary)}\n`);
      if (summary.refused + summary.invalid > 0) process.exitCode = EXIT.finding;
    });
}

function checkedUrl(text: string): string {
  if (!URL.canParse(text) || !/^https?:/.test(text)) throw new UsageError(`--api: not a http URL: ${text}`);
  return text;
}

function printProblem({ fileLine, status, code, errors }: RowProblem): void {
  const rules = (errors ?? []).map(({ path, rule }) => `${path} ${rule}`).join('; ');
  process.stderr.write(`line ${fileLine}: ${[status, code, rules].filter(Boolean).join(', ')}\n`);
}
