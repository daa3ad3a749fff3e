import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { EventStoreDbStandIn } from './stand-in.js';

/** `node test/dist/support/eventstoredb/main.js --file PATH [--port N]` */
const argument = (name: string): string | undefined => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? undefined : process.argv[at + 1];
};

const file = argument('file') ?? null;
if (file !== null) mkdirSync(dirname(file), { recursive: true });
const standIn = await EventStoreDbStandIn.start({ file, port: Number(argument('port') ?? 0) });
console.log(
  `EventStoreDB stand-in, FOR TESTS ONLY, listening on ${standIn.connectionString}, ` +
    (file === null ? 'keeping nothing' : `keeping its log in ${file}`),
);
// `disconnect`: whoever started this over a channel has gone.
for (const end of ['SIGINT', 'SIGTERM', 'disconnect'])
  process.once(end, () => void standIn.stop().then(() => process.exit(0)));
