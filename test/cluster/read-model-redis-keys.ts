import { Cluster, Redis } from 'ioredis';

type Node = Redis;

/** A hand in the Redis of a test, beside the adapter: all keys that begin with a prefix, on one Redis or on a Redis Cluster. */
export class RedisKeys {
  readonly #client: Redis | Cluster;

  constructor(url: string, isCluster: boolean) {
    const { hostname: host, port, password } = new URL(url.split(',')[0]!);
    const node = { host, port: Number(port), password: decodeURIComponent(password) || undefined };
    this.#client = isCluster ? new Cluster([node]) : new Redis(node);
    this.#client.on('error', () => {});
  }

  async names(prefix: string): Promise<string[]> {
    const nodes: Node[] = this.#client instanceof Cluster ? this.#client.nodes('master') : [this.#client];
    const found = new Set<string>();
    for (const node of nodes) {
      for (let cursor = '0', isFirst = true; isFirst || cursor !== '0'; isFirst = false) {
        const [next, page] = await node.scan(cursor, 'MATCH', `${prefix}*`, 'COUNT', 1_000);
        for (const name of page) found.add(name);
        cursor = next;
      }
    }
    return [...found].sort();
  }

  /** Keeps everything under the prefix, and answers what puts it back. */
  async remember(prefix: string): Promise<() => Promise<void>> {
    const kept = new Map<string, Buffer>();
    for (const name of await this.names(prefix)) kept.set(name, await this.#client.dumpBuffer(name));
    return async () => {
      for (const name of await this.names(prefix)) await this.#client.del(name);
      for (const [name, value] of kept) await this.#client.restore(name, 0, value);
    };
  }

  close(): void {
    this.#client.disconnect();
  }
}
