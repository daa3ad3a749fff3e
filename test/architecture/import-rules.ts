/** Who may import whom. Read as: files of this workspace may import these workspaces and these packages. */
export interface ImportRule {
  readonly workspaces: readonly string[];
  /** `node:` stands for all of Node's own modules, `*` for any package but the vendors' clients. */
  readonly packages: readonly string[];
}

const PORTS = ['event-store', 'read-model', 'fanout', 'lease'] as const;
const ADAPTER_CLIENTS: Readonly<Record<string, readonly string[]>> = {
  'event-store-lmdb': ['lmdb', 'msgpackr'],
  'event-store-eventstoredb': ['@eventstore/db-client'],
  'read-model-memory': [],
  'read-model-redis': [],
  'fanout-memory': [],
  'fanout-kafka': ['kafkajs'],
  'lease-redis': [],
};

/** What adapters of one server share: how it is reached. Nobody else enters it. */
const SHARED_CLIENTS: Readonly<
  Record<string, { readonly clients: readonly string[]; readonly of: readonly string[] }>
> = {
  'redis-connection': { clients: ['ioredis'], of: ['read-model-redis', 'lease-redis'] },
};

/** Clients of servers and stores: only an adapter, or what adapters share, holds one. */
export const VENDOR_CLIENTS: readonly string[] = [
  ...Object.values(ADAPTER_CLIENTS).flat(),
  ...Object.values(SHARED_CLIENTS).flatMap(({ clients }) => clients),
];

export const LIB_RULES: Readonly<Record<string, ImportRule>> = {
  kernel: { workspaces: [], packages: [] },
  contracts: { workspaces: [], packages: [] },
  domain: { workspaces: ['kernel'], packages: [] },
  ...Object.fromEntries(PORTS.map((port) => [port, { workspaces: ['kernel'], packages: [] }])),
  ...Object.fromEntries(
    Object.entries(ADAPTER_CLIENTS).map(([adapter, clients]) => {
      const port = PORTS.find((name) => adapter.startsWith(`${name}-`))!;
      const shared = Object.keys(SHARED_CLIENTS).filter((lib) => SHARED_CLIENTS[lib]!.of.includes(adapter));
      return [adapter, { workspaces: ['kernel', port, ...shared], packages: ['node:', ...clients] }];
    }),
  ),
  ...Object.fromEntries(
    Object.entries(SHARED_CLIENTS).map(([lib, { clients }]) => [
      lib,
      { workspaces: [], packages: ['node:', ...clients] },
    ]),
  ),
  'command-handling': { workspaces: ['kernel', 'event-store'], packages: ['node:'] },
  subscriptions: { workspaces: ['kernel', 'event-store'], packages: [] },
  projections: { workspaces: ['kernel', 'domain', 'read-model'], packages: [] },
  'room-feed': { workspaces: ['kernel', 'contracts'], packages: [] },
  config: { workspaces: ['kernel'], packages: ['node:', 'class-validator', 'class-transformer', 'reflect-metadata'] },
  observability: { workspaces: ['kernel'], packages: ['node:', 'pino', 'prom-client'] },
  process: {
    workspaces: ['kernel', 'contracts', 'config', 'observability'],
    packages: ['node:', '@nestjs/common', '@nestjs/core', '@nestjs/platform-fastify', 'reflect-metadata'],
  },
  testing: { workspaces: ['kernel', 'domain', ...PORTS], packages: ['node:', 'fast-check'] },
};

const LIBS_OF_APPS = Object.keys(LIB_RULES).filter((lib) => lib !== 'testing' && !(lib in SHARED_CLIENTS));

/** Servers: any lib but testing and what only adapters share, and no other app. */
export const APP_RULE: ImportRule = { workspaces: LIBS_OF_APPS, packages: ['node:', '*'] };
export const WEB_RULE: ImportRule = { workspaces: ['contracts'], packages: ['*'] };

/** Specs may also stand on the test libraries and on what they put together. */
export const SPEC_RULE: ImportRule = { workspaces: Object.keys(LIB_RULES), packages: ['node:', '*'] };

/** One app may enter others, and only by their modules. */
export const COMPOSING_APP = 'standalone';

/** Only these parts of Nest would let an error vanish, or hide who depends on whom. */
export const FORBIDDEN_NEST_NAMES: readonly string[] = ['EventBus', 'Saga', 'AggregateRoot', 'forwardRef', 'Global'];

export const FORBIDDEN_FOLDERS: readonly string[] = ['utils', 'common', 'shared', 'helpers', 'base', 'impl', 'manager'];

/** Reads of time and chance, and timers: given from outside to every lib that is no adapter. */
export const OUTSIDE_WORLD: readonly RegExp[] = [
  /\bDate\.now\s*\(/,
  /\bnew Date\s*\(\s*\)/,
  /(?<!\bjest\.)\b(setTimeout|setInterval|setImmediate)\s*\(/,
  /\bMath\.random\s*\(/,
  /\brandom(UUID|Bytes|Int)\s*\(/,
  /\bperformance\.now\s*\(/,
  /\bhrtime\b/,
];
