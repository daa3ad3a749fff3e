import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePorts } from './free-ports.js';
import { findOrInstallKafka } from './install.js';
import type { KafkaPrograms } from './programs.js';
import { ServerProcess, type Command } from './server-process.js';

const run = promisify(execFile);
const READY_MS_MAX = 120_000;
const END_MS_MAX = 30_000;
const STARTS_MAX = 3;
/** It shares two cores with everything else and lives for minutes: the compiler that pays off in hours took a fifth of a core. */
const BRIEF_LIFE = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'];
const HEAP_MB_DEFAULT = 512;

export interface LocalKafkaOptions {
  /** Default: a free one. */
  readonly port?: number;
  /** Kept by `stop` when it is given. Default: a temporary one. */
  readonly directory?: string;
  /** Default 512. */
  readonly heapMb?: number;
  /** Whom alone it lets in, by SCRAM-SHA-256; chosen when its directory is made. Default: everybody. */
  readonly login?: { readonly user: string; readonly password: string };
  /** Names and passwords that it knows by SCRAM, when its directory is made; which listeners ask, `properties` say. */
  readonly scramUsers?: Readonly<Record<string, string>>;
  /** Further lines of `server.properties`, over ours. */
  readonly properties?: Readonly<Record<string, string>>;
}

/** A real Kafka (KRaft, one broker) on 127.0.0.1. It ends when this process ends, however that ends. */
export class LocalKafka {
  readonly #process: ServerProcess;

  constructor(
    private readonly programs: KafkaPrograms,
    readonly port: number,
    private readonly controllerPort: number,
    private readonly options: LocalKafkaOptions,
  ) {
    this.#process = new ServerProcess({ name: 'Kafka', directory: options.directory, readyMsMax: READY_MS_MAX });
  }

  /** As `KAFKA_BROKERS` takes it. */
  get brokers(): string {
    return `127.0.0.1:${this.port}`;
  }

  get directory(): string {
    return this.#process.directory;
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get running(): boolean {
    return this.#process.running;
  }

  /** Again, on the same port and with the files that are there; after a kill -9 this takes some seconds more. */
  async start(): Promise<void> {
    writeFileSync(this.#file('server.properties'), this.#properties(), { mode: 0o600 });
    writeFileSync(this.#file('log4j2.properties'), LOGGING);
    await this.#format();
    const heap = this.options.heapMb ?? HEAP_MB_DEFAULT;
    const flags = [`-Xmx${heap}m`, ...BRIEF_LIFE];
    const command = this.#java(flags, 'kafka.Kafka', this.#file('server.properties'));
    await this.#process.start(command, (_pid, words) => Promise.resolve(words.includes('Kafka Server started')));
  }

  /** Kafka refuses a directory that was not given its cluster's name first. */
  async #format(): Promise<void> {
    const data = this.#file('data');
    if (existsSync(join(data, 'meta.properties'))) return;
    mkdirSync(data, { recursive: true });
    const bytes = randomBytes(16);
    // A name that begins with a dash would be taken for an option.
    bytes[0]! &= 0x7f;
    const clusterId = bytes.toString('base64url');
    const args = ['format', '-t', clusterId, '-c', this.#file('server.properties'), ...this.#scramUsers()];
    const { program, args: java } = this.#java(BRIEF_LIFE, 'kafka.tools.StorageTool', ...args);
    await run(program, java, { timeout: READY_MS_MAX });
  }

  #scramUsers(): readonly string[] {
    const { login, scramUsers = {} } = this.options;
    const users = login === undefined ? scramUsers : { ...scramUsers, [login.user]: login.password };
    return Object.entries(users).flatMap(([name, password]) =>
      ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((by) => ['-S', `${by}=[name=${name},password=${password}]`]),
    );
  }

  #java(flags: readonly string[], main: string, ...args: readonly string[]): Command {
    const logging = `-Dlog4j2.configurationFile=${this.#file('log4j2.properties')}`;
    return { program: this.programs.java, args: [...flags, logging, '-cp', this.programs.classPath, main, ...args] };
  }

  #properties(): string {
    const lines = {
      'node.id': '1',
      'process.roles': 'broker,controller',
      'controller.quorum.voters': `1@127.0.0.1:${this.controllerPort}`,
      listeners: `PLAINTEXT://127.0.0.1:${this.port},CONTROLLER://127.0.0.1:${this.controllerPort}`,
      'advertised.listeners': `PLAINTEXT://127.0.0.1:${this.port}`,
      'controller.listener.names': 'CONTROLLER',
      'log.dirs': this.#file('data'),
      ...ONE_BROKER,
      ...this.#loginProperties(),
      ...this.options.properties,
    };
    return Object.entries(lines)
      .map(([key, value]) => `${key}=${value}\n`)
      .join('');
  }

  /** The broker is a client of its own too, and comes with the same login. */
  #loginProperties(): Readonly<Record<string, string>> {
    const { login } = this.options;
    if (login === undefined) return {};
    const listener = `SASL_PLAINTEXT://127.0.0.1:${this.port}`;
    const module = 'org.apache.kafka.common.security.scram.ScramLoginModule required';
    return {
      listeners: `${listener},CONTROLLER://127.0.0.1:${this.controllerPort}`,
      'advertised.listeners': listener,
      'listener.security.protocol.map': 'SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT',
      'inter.broker.listener.name': 'SASL_PLAINTEXT',
      'sasl.enabled.mechanisms': 'SCRAM-SHA-256',
      'sasl.mechanism.inter.broker.protocol': 'SCRAM-SHA-256',
      'listener.name.sasl_plaintext.scram-sha-256.sasl.jaas.config': `${module} username="${login.user}" password="${login.password}";`,
    };
  }

  #file(name: string): string {
    return join(this.directory, name);
  }

  /** kill -9. Files stay, so that `start` can go on with them. */
  kill(): Promise<void> {
    return this.#process.kill();
  }

  /** SIGTERM: an orderly end. Files stay, so that `start` can go on with them. */
  shutDown(): Promise<void> {
    return this.#process.shutDown(END_MS_MAX);
  }

  /** It is there and does not answer, until `resume`. */
  pause(): void {
    this.#process.pause();
  }

  resume(): void {
    this.#process.resume();
  }

  /** Ends it for good, and removes its directory unless it was given; then it ends orderly, since its files go on. */
  async stop(): Promise<void> {
    await (this.options.directory === undefined ? this.kill() : this.shutDown());
    await this.#process.dispose();
  }
}

/** What differs from Kafka's defaults because there is one broker, and because nobody should wait for it. */
const ONE_BROKER = {
  'auto.create.topics.enable': 'false',
  'offsets.topic.replication.factor': '1',
  'offsets.topic.num.partitions': '4',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'transaction.state.log.num.partitions': '4',
  'share.coordinator.state.topic.replication.factor': '1',
  'share.coordinator.state.topic.min.isr': '1',
  'share.coordinator.state.topic.num.partitions': '1',
  'group.initial.rebalance.delay.ms': '0',
  'group.min.session.timeout.ms': '1000',
  'num.network.threads': '2',
  'num.io.threads': '2',
  'log.cleaner.dedupe.buffer.size': '8388608',
} as const;

const LOGGING = `rootLogger.level=info
rootLogger.appenderRef.console.ref=console
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%d{ISO8601} %p %m (%c{1})%n%throwable
`;

/** Starts a Kafka, fetching it first where that may be. @throws Error that says what is missing and how to get it */
export async function startKafka(options: LocalKafkaOptions = {}): Promise<LocalKafka> {
  const found = await findOrInstallKafka();
  if ('missing' in found) throw new Error(found.missing);
  for (let attempt = 1; ; attempt++) {
    const [port, controllerPort] = await freePorts(2);
    const kafka = new LocalKafka(found.programs, options.port ?? port!, controllerPort!, options);
    try {
      await kafka.start();
      return kafka;
    } catch (error) {
      await kafka.stop();
      if (attempt === STARTS_MAX || options.port !== undefined || !/already in use/i.test(String(error))) throw error;
    }
  }
}
