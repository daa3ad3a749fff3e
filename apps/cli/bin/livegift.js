#!/usr/bin/env node
import { existsSync } from 'node:fs';

const main = new URL('../dist/main.js', import.meta.url);
if (!existsSync(main)) {
  process.stderr.write('livegift is not built yet. In the repository: npm ci && npm run build\n');
  process.exit(2);
}
await import(main.href);
