import { freePorts } from './free-ports.js';
import { findOrInstallRedis } from './install.js';
import type { RedisPrograms } from './programs.js';
import { LocalRedis, type LocalRedisOptions } from './redis.js';
import { after } from './server-process.js';

const MASTERS = 3;
const REPLICAS = 3;
const NODES = MASTERS + REPLICAS;
const NODE_TIMEOUT_MS_DEFAULT = 2_000;
const SETTLED_MS_MAX = 60_000;
const ASK_EVERY_MS = 50;
const STARTS_MAX = 3;

export interface LocalRedisClusterOptions {
  readonly persistence?: LocalRedisOptions['persistence'];
  readonly password?: string;
  /** How long a master must be away until its replica takes over; default 2,000 ms. */
  readonly nodeTimeoutMs?: number;
}

/** A line of CLUSTER NODES, as one living node sees it. */
interface Seen {
  readonly id: string;
  readonly port: number;
  readonly isMaster: boolean;
  readonly failed: boolean;
  readonly masterId: string;
  readonly slots: readonly (readonly [number, number])[];
}

/** Three masters and three replicas on 127.0.0.1. Who is master is asked anew each time: it changes. */
export class LocalRedisCluster {
  constructor(readonly nodes: readonly LocalRedis[]) {}

  /** All nodes, as `REDIS_URL` takes them; any one would do for a client that asks the cluster for the others. */
  get url(): string {
    const [first, ...others] = this.nodes.map((node) => node.url);
    return [first!, ...others.map((url) => new URL(url).host)].join(',');
  }

  /** The nodes that hold slots now, in the order of their slots. */
  async masters(): Promise<readonly LocalRedis[]> {
    const masters = (await this.#seen()).filter(
      ({ isMaster, failed, slots }) => isMaster && !failed && slots.length > 0,
    );
    return masters.sort((a, b) => a.slots[0]![0] - b.slots[0]![0]).map(({ port }) => this.#node(port));
  }

  /** The living nodes that follow this master now. */
  async replicasOf(master: LocalRedis): Promise<readonly LocalRedis[]> {
    const seen = await this.#seen();
    const masterId = seen.find(({ port }) => port === master.port)?.id;
    return seen.filter((node) => node.masterId === masterId && !node.failed).map(({ port }) => this.#node(port));
  }

  /** The node that answers for this key now; a key's hash tag counts as it does in Redis. */
  async masterOf(key: string): Promise<LocalRedis> {
    const slot = Number(await this.#anyRunning().ask('CLUSTER', 'KEYSLOT', key));
    const holds = ({ slots }: Seen): boolean => slots.some(([from, to]) => from <= slot && slot <= to);
    const holder = (await this.#seen()).find((node) => node.isMaster && !node.failed && holds(node));
    if (holder === undefined) throw new Error(`no living node holds slot ${slot} now`);
    return this.#node(holder.port);
  }

  /**
   * Waits until the running nodes agree that every slot has a living master, and every running replica follows one
   * (`master_link_status` up). Before that, a killed master would find no one to take over.
   * @throws Error when that takes longer than a minute
   */
  async settled(): Promise<void> {
    for (const end = performance.now() + SETTLED_MS_MAX; performance.now() < end; await after(ASK_EVERY_MS)) {
      const running = this.nodes.filter((node) => node.running);
      const states = await Promise.all(running.map((node) => isSettled(node, running.length)));
      if (states.every(Boolean)) return;
    }
    throw new Error(`the Redis Cluster did not settle within ${SETTLED_MS_MAX} ms`);
  }

  /** Ends all nodes for good. */
  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }

  async #seen(): Promise<readonly Seen[]> {
    // A node that is in the minority, or just back, may tell an old story: the newest epoch knows best.
    const views = await Promise.all(this.nodes.filter((node) => node.running).map(viewOf));
    const newest = views.filter((view) => view !== null).sort((a, b) => b.epoch - a.epoch)[0];
    if (newest === undefined) throw new Error('no node of the Redis Cluster is running');
    return newest.seen;
  }

  #anyRunning(): LocalRedis {
    const node = this.nodes.find(({ running }) => running);
    if (node === undefined) throw new Error('no node of the Redis Cluster is running');
    return node;
  }

  #node(port: number): LocalRedis {
    return this.nodes.find((node) => node.port === port)!;
  }
}

async function viewOf(node: LocalRedis): Promise<{ readonly epoch: number; readonly seen: readonly Seen[] } | null> {
  try {
    const epoch = Number(/cluster_current_epoch:(\d+)/.exec(await node.ask('CLUSTER', 'INFO'))?.[1]);
    return { epoch, seen: (await node.ask('CLUSTER', 'NODES')).split('\n').map(parseNode) };
  } catch {
    return null;
  }
}

function parseNode(line: string): Seen {
  const [id, address, flags, masterId, , , , , ...ranges] = line.trim().split(' ');
  const slots = ranges.filter((range) => /^\d/.test(range)).map((range) => range.split('-').map(Number));
  return {
    id: id!,
    port: Number(/:(\d+)@/.exec(address!)![1]),
    isMaster: flags!.includes('master'),
    failed: /\bfail\b/.test(flags!),
    masterId: masterId!,
    slots: slots.map(([from, to]) => [from!, to ?? from!] as const),
  };
}

/** Whether this node sees a whole cluster, with everyone who runs in it, and is a master or follows one. */
async function isSettled(node: LocalRedis, runningNodes: number): Promise<boolean> {
  const state = await node.ask('CLUSTER', 'INFO').catch(() => '');
  const view = await viewOf(node);
  const replication = await node.info('replication');
  if (!/cluster_state:ok/.test(state) || view === null || replication === null) return false;
  const alive = view.seen.filter(({ failed }) => !failed);
  // Until word of a replica's master got round, the others take it for a master without slots.
  const masters = alive.filter(({ isMaster }) => isMaster);
  const knowsRoles = masters.length === MASTERS && masters.every(({ slots }) => slots.length > 0);
  const follows = replication.get('role') === 'master' || replication.get('master_link_status') === 'up';
  return view.seen.length === NODES && alive.length === runningNodes && knowsRoles && follows;
}

/** Starts a Redis Cluster and waits until every replica follows its master. @throws as `startRedis` does */
export async function startRedisCluster(options: LocalRedisClusterOptions = {}): Promise<LocalRedisCluster> {
  const found = await findOrInstallRedis();
  if ('missing' in found) throw new Error(found.missing);
  for (let attempt = 1; ; attempt++) {
    const cluster = await sixNodes(found.programs, options);
    try {
      await Promise.all(cluster.nodes.map((node) => node.start()));
      await join(cluster);
      await cluster.settled();
      return cluster;
    } catch (error) {
      await cluster.stop();
      if (attempt === STARTS_MAX || !/already in use/i.test(String(error))) throw error;
    }
  }
}

async function sixNodes(programs: RedisPrograms, options: LocalRedisClusterOptions): Promise<LocalRedisCluster> {
  const { persistence, password, nodeTimeoutMs = NODE_TIMEOUT_MS_DEFAULT } = options;
  const ports = await freePorts(2 * NODES);
  const nodes = ports.slice(0, NODES).map((port, index) => {
    const args = clusterArguments(ports[NODES + index]!, nodeTimeoutMs);
    return new LocalRedis(programs, port, { persistence, password, args });
  });
  return new LocalRedisCluster(nodes);
}

function clusterArguments(busPort: number, nodeTimeoutMs: number): readonly string[] {
  return Object.entries({
    'cluster-enabled': 'yes',
    'cluster-port': busPort,
    'cluster-announce-ip': '127.0.0.1',
    'cluster-node-timeout': nodeTimeoutMs,
    // However long a replica was cut off on a busy machine, it may take over.
    'cluster-replica-validity-factor': 0,
    // It follows its master at once; by default the master waits five seconds for others to join in.
    'repl-diskless-sync-delay': 0,
  }).flatMap(([name, value]) => [`--${name}`, String(value)]);
}

async function join({ nodes }: LocalRedisCluster): Promise<void> {
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
  await nodes[0]!.ask('--cluster', 'create', ...addresses, '--cluster-replicas', '1', '--cluster-yes');
}
