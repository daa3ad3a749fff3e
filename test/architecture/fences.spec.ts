import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { violations, type SourceFile } from './violations.js';

const ROOT = join(__dirname, '../..');

function sourceFiles(): readonly SourceFile[] {
  return ['libs', 'apps'].flatMap((top) =>
    readdirSync(join(ROOT, top), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => !/[/\\](node_modules|dist)[/\\]/.test(path))
      .map((path) => ({ path: relative(ROOT, path).split(sep).join('/'), text: readFileSync(path, 'utf8') })),
  );
}

describe('the fences', () => {
  it('hold everywhere', () => {
    const files = sourceFiles();
    expect(files.length).toBeGreaterThan(50);
    expect(violations(files)).toEqual([]);
  });

  const planted: readonly (readonly [rule: string, path: string, text: string, finding: string])[] = [
    ['the kernel stands alone', 'libs/kernel/src/a.ts', "import '@livegift/domain';", 'may not import domain'],
    ['the contracts stand alone', 'libs/contracts/src/a.ts', "import '@livegift/kernel';", 'may not import kernel'],
    ['the domain does no I/O', 'libs/domain/src/a.ts', "import 'node:fs';", 'may not import node:fs'],
    ['the domain has no package', 'libs/domain/src/a.ts', "import 'lodash';", 'may not import the package lodash'],
    ['a port knows the kernel only', 'libs/fanout/src/a.ts', "import '@livegift/domain';", 'may not import domain'],
    [
      'an adapter has one client',
      'libs/read-model-redis/src/a.ts',
      "import 'kafkajs';",
      'may not import the package kafkajs',
    ],
    [
      'an adapter knows its own port only',
      'libs/fanout-memory/src/a.ts',
      "import '@livegift/read-model';",
      'may not import read-model',
    ],
    [
      'command handling knows no domain',
      'libs/command-handling/src/a.ts',
      "import '@livegift/domain';",
      'may not import domain',
    ],
    [
      'subscriptions know no read model',
      'libs/subscriptions/src/a.ts',
      "import '@livegift/read-model';",
      'may not import read-model',
    ],
    [
      'projections write through the port',
      'libs/projections/src/a.ts',
      "import '@livegift/event-store';",
      'may not import event-store',
    ],
    ['the room feed knows no store', 'libs/room-feed/src/a.ts', "import '@livegift/fanout';", 'may not import fanout'],
    ['config has its one library', 'libs/config/src/a.ts', "import 'joi';", 'may not import the package joi'],
    [
      'observability has its libraries',
      'libs/observability/src/a.ts',
      "import 'winston';",
      'may not import the package winston',
    ],
    [
      'testing knows no adapter',
      'libs/testing/src/a.ts',
      "import '@livegift/event-store-lmdb';",
      'may not import event-store-lmdb',
    ],
    ['no server ships testing', 'apps/projector/src/a.ts', "import '@livegift/testing';", 'may not import testing'],
    [
      'no app imports another',
      'apps/projector/src/a.ts',
      "import '@livegift/publisher/publisher.module';",
      'imports the app publisher',
    ],
    [
      'standalone enters apps by their modules',
      'apps/standalone/src/a.ts',
      "import '@livegift/publisher/publisher';",
      'imports the app publisher',
    ],
    [
      'apps hold no vendor client',
      'apps/projector/src/a.ts',
      "import 'ioredis';",
      'may not import the package ioredis',
    ],
    [
      'apps reach no server but by an adapter',
      'apps/projector/src/a.ts',
      "import '@livegift/redis-connection';",
      'may not import redis-connection',
    ],
    [
      'adapters that share a client hold none of their own',
      'libs/lease-redis/src/a.ts',
      "import 'ioredis';",
      'may not import the package ioredis',
    ],
    ['web knows the contracts only', 'apps/web/src/a.ts', "import '@livegift/kernel';", 'may not import kernel'],
    [
      'a lib is entered by its name',
      'apps/projector/src/a.ts',
      "import '@livegift/kernel/dist/ids.js';",
      'enters kernel by dist/ids.js',
    ],
    [
      'no way out of a workspace',
      'libs/domain/src/a.ts',
      "import '../../kernel/src/ids.js';",
      'leaves its workspace by ../../kernel/src/ids.js',
    ],
    [
      'nobody enters its own index',
      'libs/domain/src/wallet/a.ts',
      "import '../index.js';",
      "imports its own lib's index.ts",
    ],
    [
      'a new lib needs a rule',
      'libs/novel/src/a.ts',
      "import '@livegift/kernel';",
      'novel has no import rule: give it one',
    ],
    [
      'libs are given the clock',
      'libs/domain/src/a.ts',
      'export const now = () => Date.now();',
      'reaches for the outside world: Date.now(',
    ],
    [
      'libs are given timers',
      'libs/room-feed/src/a.ts',
      'setTimeout(() => {}, 1);',
      'reaches for the outside world: setTimeout(',
    ],
    [
      'libs are given chance',
      'libs/command-handling/src/a.ts',
      'randomUUID();',
      'reaches for the outside world: randomUUID(',
    ],
    ['no EventBus', 'apps/projector/src/a.ts', "import { EventBus } from '@nestjs/cqrs';", 'uses EventBus of Nest'],
    ['no barrels', 'libs/domain/src/wallet/index.ts', '', "a barrel that is not a lib's own index.ts"],
    ['no folder without a subject', 'libs/domain/src/utils/a.ts', '', 'a folder is called utils'],
  ];

  it.each(planted)('%s', (_rule, path, text, finding) => {
    expect(violations([{ path, text }])).toEqual([`${path}: ${finding}`]);
  });

  it('import cycles are found', () => {
    const files = [
      { path: 'libs/domain/src/a.ts', text: "import './b.js';" },
      { path: 'libs/domain/src/b.ts', text: "import './a.js';" },
    ];
    expect(violations(files)).toEqual([
      'import cycle: libs/domain/src/a.ts -> libs/domain/src/b.ts -> libs/domain/src/a.ts',
    ]);
  });

  it('what is allowed stays allowed', () => {
    const files = [
      { path: 'libs/fanout/src/contract/a.ts', text: 'jest.setTimeout(30_000);' },
      { path: 'apps/standalone/src/a.ts', text: "import '@livegift/publisher/publisher.module';" },
      {
        path: 'libs/event-store-lmdb/src/a.ts',
        text: "import 'lmdb'; import 'node:fs'; import '@livegift/event-store'; Date.now();",
      },
      { path: 'libs/domain/src/a.spec.ts', text: "import '@livegift/testing'; import 'fast-check';" },
    ];
    expect(violations(files)).toEqual([]);
  });
});
