import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AppProcess,
  CLUSTER_APPS,
  EventStoreStandIn,
  freePort,
  openDoor,
  startKafka,
  startRedis,
  startRedisCluster,
  type ClusterAppName,
  type Door,
  type LocalKafka,
  type LocalRedis,
  type LocalRedisCluster,
} from '@livegift/local-servers';

const READY_MS_MAX_DEFAULT = 120_000;

export interface ClusterOptions {
  /** How many processes of each app; default 1. */
  readonly counts?: Partial<Record<ClusterAppName, number>>;
  /** Further environment variables for every app. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default `single`. */
  readonly redis?: 'single' | 'cluster';
  /** One that runs already; it ends with the cluster. Default: one that lets in everybody. */
  readonly kafka?: LocalKafka;
}

/**
 * The whole cluster profile as real processes: the stand-in for EventStoreDB, a real Redis (or a Redis Cluster), a real Kafka,
 * every app, and the one door in front of them. Everything can be killed and started again by name, on the port it had.
 *
 * Apps are called `gift-api`, `settlement`, `projector`, `publisher`, `room-gateway`; where there are several of one,
 * `gift-api-1`, `gift-api-2`, ….
 */
export class Cluster {
  readonly #apps = new Map<string, AppProcess>();
  #door: Door | null = null;

  private constructor(
    readonly directory: string,
    readonly eventStore: EventStoreStandIn,
    /** Of `redis: 'single'`. */
    private readonly single: LocalRedis | null,
    /** Of `redis: 'cluster'`. */
    private readonly clustered: LocalRedisCluster | null,
    readonly kafka: LocalKafka,
    private readonly options: ClusterOptions,
  ) {}

  /** Starts everything and waits until every app says that it is ready. */
  static async start(options: ClusterOptions = {}): Promise<Cluster> {
    const cluster = await Cluster.startServers(options);
    try {
      await cluster.startApps();
      return cluster;
    } catch (error) {
      await cluster.dispose();
      throw error;
    }
  }

  /** The servers only, without an app and without a door. */
  static async startServers(options: ClusterOptions = {}): Promise<Cluster> {
    const directory = mkdtempSync(join(tmpdir(), 'livegift-cluster-'));
    const started: { stop(): Promise<void> }[] = [];
    const begun = async <Server extends { stop(): Promise<void> }>(starting: Promise<Server>): Promise<Server> => {
      const server = await starting;
      started.push(server);
      return server;
    };
    try {
      const eventStore = new EventStoreStandIn(join(directory, 'event-store.log'), await freePort());
      started.push(eventStore);
      await eventStore.start();
      const isClustered = options.redis === 'cluster';
      const single = isClustered ? null : await begun(startRedis());
      const clustered = isClustered ? await begun(startRedisCluster()) : null;
      const kafka = options.kafka ?? (await begun(startKafka()));
      return new Cluster(directory, eventStore, single, clustered, kafka, options);
    } catch (error) {
      await Promise.allSettled(started.map((server) => server.stop()));
      rmSync(directory, { recursive: true, force: true });
      throw error;
    }
  }

  /** Starts the apps asked for, opens the door, and waits until they are ready. */
  async startApps(): Promise<void> {
    for (const app of CLUSTER_APPS) {
      const count = this.options.counts?.[app] ?? 1;
      for (let number = 1; number <= count; number++) await this.addApp(app, count === 1 ? app : `${app}-${number}`);
    }
    await this.openDoor();
    await this.ready();
  }

  /** One more process of an app, started. */
  async addApp(app: ClusterAppName, name: string, env: Readonly<Record<string, string>> = {}): Promise<AppProcess> {
    if (this.#apps.has(name)) throw new Error(`there is a ${name} already`);
    const process = new AppProcess({ app, name, port: await freePort(), env: { ...this.env, ...env } });
    this.#apps.set(name, process);
    process.start();
    return process;
  }

  /** The one origin; it serves whichever gift-apis and room-gateways run at the time. */
  async openDoor(): Promise<Door> {
    const running = (app: ClusterAppName) => () => this.appsOf(app).filter(({ isRunning }) => isRunning);
    this.#door ??= await openDoor({
      host: '127.0.0.1',
      port: 0,
      giftApis: running('gift-api'),
      roomGateways: running('room-gateway'),
    });
    return this.#door;
  }

  /** Where clients go. */
  get url(): string {
    if (this.#door === null) throw new Error('the door is not open yet');
    return this.#door.url;
  }

  /** What every app is told. */
  get env(): Readonly<Record<string, string>> {
    return {
      NODE_ENV: 'test',
      LOG_LEVEL: 'warn',
      EVENTSTORE_URL: this.eventStore.url,
      REDIS_URL: (this.single ?? this.clustered)!.url,
      KAFKA_BROKERS: this.kafka.brokers,
      ...this.options.env,
    };
  }

  get redis(): LocalRedis {
    if (this.single === null) throw new Error("this cluster has a Redis Cluster: ask for redis: 'single'");
    return this.single;
  }

  get redisCluster(): LocalRedisCluster {
    if (this.clustered === null) throw new Error("this cluster has a single Redis: ask for redis: 'cluster'");
    return this.clustered;
  }

  get apps(): readonly AppProcess[] {
    return [...this.#apps.values()];
  }

  appsOf(app: ClusterAppName): readonly AppProcess[] {
    return this.apps.filter((process) => process.app === app);
  }

  /** By its name. */
  app(name: string): AppProcess {
    const process = this.#apps.get(name);
    if (process === undefined) throw new Error(`there is no ${name}, only ${[...this.#apps.keys()].join(', ')}`);
    return process;
  }

  /** kill -9, started again at once; `ready` waits for it. */
  async crash(name: string): Promise<void> {
    await this.app(name).kill();
    this.app(name).start();
  }

  /** Waits until every app that runs, or the one that is named, says that it is ready. */
  async ready(name?: string, msMax = READY_MS_MAX_DEFAULT): Promise<void> {
    const asked = name === undefined ? this.apps.filter(({ isRunning }) => isRunning) : [this.app(name)];
    await Promise.all(asked.map((process) => process.ready(msMax)));
  }

  /** What every app has said lately, for the message of a failure. */
  get words(): string {
    return this.apps.map(({ name, words }) => `--- ${name}\n${words}`).join('\n');
  }

  /** Ends everything, and removes what it kept. */
  async dispose(): Promise<void> {
    await Promise.allSettled(this.apps.map((process) => process.kill()));
    const servers = [this.single, this.clustered, this.kafka, this.eventStore].filter((server) => server !== null);
    await Promise.allSettled([this.#door?.close(), ...servers.map((server) => server.stop())]);
    rmSync(this.directory, { recursive: true, force: true });
  }
}
