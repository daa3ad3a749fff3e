import { noFaults, type StandInFaults } from './stand-in.faults.js';
import {
  featuresImplementation,
  streamsImplementation,
  type StandInLeader,
  type StandInUsers,
} from './stand-in.service.js';
import { gossipImplementation } from './stand-in.gossip.js';
import { StandInLog } from './stand-in.log.js';
import { GossipService, grpc, ServerFeaturesService, StreamsService } from './protocol.js';

export interface StandInOptions {
  /** 0, the default: any free one. */
  readonly port?: number;
  /** Append-only file that it is durable in; default: nothing outlives the stand-in. */
  readonly file?: string | null;
  readonly tls?: { readonly key: Buffer; readonly certificate: Buffer };
  readonly users?: StandInUsers;
  readonly leader?: StandInLeader;
}

/**
 * A stand-in for EventStoreDB, FOR TESTS: it speaks the real protocol to the real client and keeps to the real server's
 * rules for what livegift uses (streams, `$all`, appends, subscriptions, `$maxCount`). A follower only knows
 * where its leader is: no elections, replication, projections or scavenge.
 */
export class EventStoreDbStandIn {
  readonly faults: StandInFaults = noFaults();
  readonly #log: StandInLog;
  readonly #server: InstanceType<typeof grpc.Server>;
  port = 0;

  private constructor(
    log: StandInLog,
    private readonly options: StandInOptions,
  ) {
    this.#log = log;
    this.#server = new grpc.Server();
    const { users = null, leader = () => null } = options;
    this.#server.addService(StreamsService, streamsImplementation(log, this.faults, users, leader));
    this.#server.addService(
      GossipService,
      gossipImplementation(() => this.port, leader),
    );
    this.#server.addService(ServerFeaturesService, featuresImplementation());
  }

  static async start(options: StandInOptions = {}): Promise<EventStoreDbStandIn> {
    const standIn = new EventStoreDbStandIn(await StandInLog.open(options.file ?? null), options);
    await standIn.#listen();
    return standIn;
  }

  get connectionString(): string {
    return `esdb://127.0.0.1:${this.port}${this.options.tls === undefined ? '?tls=false' : ''}`;
  }

  /** Breaks every connection, as a crash would; what was answered is in the file. */
  async stop(): Promise<void> {
    this.#server.forceShutdown();
    await this.#log.close();
  }

  #listen(): Promise<void> {
    const { tls, port = 0 } = this.options;
    const credentials =
      tls === undefined
        ? grpc.ServerCredentials.createInsecure()
        : grpc.ServerCredentials.createSsl(null, [{ private_key: tls.key, cert_chain: tls.certificate }]);
    return new Promise((resolve, reject) => {
      this.#server.bindAsync(`127.0.0.1:${port}`, credentials, (error, bound) => {
        if (error !== null) return reject(error);
        this.port = bound;
        resolve();
      });
    });
  }
}
