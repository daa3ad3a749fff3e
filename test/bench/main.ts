// npm run bench [-- name …]: runs the benches whose names contain one of the words, prints the table.
import { cpus, totalmem } from 'node:os';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { format, type Row } from './row.js';

interface Bench {
  run(): Promise<readonly Row[]>;
}

const folder = dirname(fileURLToPath(import.meta.url));
const wanted = process.argv.slice(2);
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.bench.js'))
  .filter((file) => wanted.length === 0 || wanted.some((word) => file.includes(word)));

const machine = `${cpus().length} cores (${cpus()[0]?.model.trim()}), ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
process.stderr.write(`${machine}\n`);
const rows: Row[] = [];
for (const name of names) {
  process.stderr.write(`${name.replace('.bench.js', '')} …\n`);
  const bench = (await import(pathToFileURL(join(folder, name)).href)) as Bench;
  const measured = await bench.run();
  rows.push(...measured);
  process.stderr.write(`${format(measured)}\n\n`);
}
process.stdout.write(`${machine}, ${new Date().toISOString().slice(0, 10)}\n\n${format(rows)}\n`);
