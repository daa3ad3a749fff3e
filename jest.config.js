/** swc in CommonJS mode also compiles the dependencies that ship only ES modules; it is the one mode every Node runs. */
const ESM_ONLY =
  '@nestjs|nestjs-pino|file-type|strtok3|token-types|uint8array-extras|@tokenizer|@borewit|cookie|content-disposition|uuid|eventsource|eventsource-parser';

const common = {
  testEnvironment: 'node',
  transform: {
    '^.+\\.(t|j|mj)s$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2023',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
        },
        module: { type: 'commonjs' },
      },
    ],
  },
  transformIgnorePatterns: [`/node_modules/(?!(${ESM_ONLY})/)`],
  moduleNameMapper: {
    '^@livegift/(event-store|read-model|fanout|lease)/contract$': '<rootDir>/libs/$1/src/contract/index.ts',
    '^@livegift/(gift-api|settlement|projector|publisher|room-gateway|standalone|cli)/(.*)$':
      '<rootDir>/apps/$1/src/$2.ts',
    '^@livegift/local-servers$': '<rootDir>/infra/local/src/index.ts',
    '^@livegift/([a-z-]+)$': '<rootDir>/libs/$1/src/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  modulePathIgnorePatterns: ['/dist/'],
};

const project = (displayName, testMatch, extra = {}) => ({ ...common, displayName, testMatch, ...extra });

/** Looks for Redis and Kafka once a run, before any suite asks for them, and installs them where that may be. */
const WITH_SERVERS = { globalSetup: '<rootDir>/test/support/servers-setup.js' };

/** @type {import('jest').Config} */
export default {
  workerIdleMemoryLimit: '1GB',
  reporters: ['default', '<rootDir>/test/reporting/closing-line.js'],
  projects: [
    project('spec', ['<rootDir>/{libs,apps}/*/src/**/*.spec.ts'], {
      testPathIgnorePatterns: ['/node_modules/', '\\.(contract|e2e|crash)\\.spec\\.ts$'],
    }),
    project('contract', ['<rootDir>/{libs,apps,test}/**/*.contract.spec.ts'], WITH_SERVERS),
    project('architecture', ['<rootDir>/test/architecture/**/*.spec.ts']),
    project('simulation', ['<rootDir>/test/simulation/**/*.spec.ts']),
    project('e2e', ['<rootDir>/test/e2e/**/*.e2e.spec.ts']),
    project('crash', ['<rootDir>/test/crash/**/*.crash.spec.ts']),
    project('cluster', ['<rootDir>/test/cluster/**/*.cluster.spec.ts'], WITH_SERVERS),
  ],
};
