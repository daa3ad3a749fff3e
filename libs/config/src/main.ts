import { checkConfig } from './check-config.js';

/** `npm run check-config -- <app>` */
const { exitCode, lines } = checkConfig(process.argv[2] ?? '', process.env);
const to = exitCode === 0 ? process.stdout : process.stderr;
for (const line of lines) to.write(`${line}\n`);
process.exitCode = exitCode;
