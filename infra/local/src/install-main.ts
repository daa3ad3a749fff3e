import { findOrInstallKafka, findOrInstallRedis } from './install.js';

/** Installs what is missing, where that may be; says on standard output, as JSON, what is missing still. */
const missing: Record<string, string> = {};
const found = { redis: await findOrInstallRedis(), kafka: await findOrInstallKafka() };
for (const [server, what] of Object.entries(found)) if ('missing' in what) missing[server] = what.missing;
process.stdout.write(`${JSON.stringify(missing)}\n`);
