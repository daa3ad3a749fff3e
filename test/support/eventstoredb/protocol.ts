import { createRequire } from 'node:module';
import type { ReadResp } from '@eventstore/db-client/generated/streams_pb.js';

/**
 * The protocol's code from the client package, and the client's own copies of grpc-js and google-protobuf: messages are
 * checked with `instanceof`, so a second copy would not do.
 */
const requireFromClient = createRequire(createRequire(import.meta.url).resolve('@eventstore/db-client'));
const load = <Module>(name: string): Module => requireFromClient(name) as Module;

export const grpc = load<typeof import('@grpc/grpc-js')>('@grpc/grpc-js');
export const streamsPb =
  load<typeof import('@eventstore/db-client/generated/streams_pb.js')>('../generated/streams_pb.js');
export const sharedPb =
  load<typeof import('@eventstore/db-client/generated/shared_pb.js')>('../generated/shared_pb.js');
export const statusPb =
  load<typeof import('@eventstore/db-client/generated/status_pb.js')>('../generated/status_pb.js');
export const featuresPb = load<typeof import('@eventstore/db-client/generated/serverfeatures_pb.js')>(
  '../generated/serverfeatures_pb.js',
);
export const gossipPb =
  load<typeof import('@eventstore/db-client/generated/gossip_pb.js')>('../generated/gossip_pb.js');
export const { GossipService } = load<typeof import('@eventstore/db-client/generated/gossip_grpc_pb.js')>(
  '../generated/gossip_grpc_pb.js',
);
const { StreamsService: GeneratedService } = load<typeof import('@eventstore/db-client/generated/streams_grpc_pb.js')>(
  '../generated/streams_grpc_pb.js',
);
/** What a read answers may be encoded already. */
export const StreamsService = {
  ...GeneratedService,
  read: {
    ...GeneratedService.read,
    responseSerialize: (answer: ReadAnswer): Buffer =>
      Buffer.isBuffer(answer) ? answer : Buffer.from(answer.serializeBinary()),
  },
};
export type ReadAnswer = ReadResp | Buffer;
export const { ServerFeaturesService } = load<
  typeof import('@eventstore/db-client/generated/serverfeatures_grpc_pb.js')
>('../generated/serverfeatures_grpc_pb.js');

interface AnyMessage {
  pack(serialized: Uint8Array, name: string): void;
}
export const { Any } = load<{ Any: new () => AnyMessage }>('google-protobuf/google/protobuf/any_pb.js');
export const wellKnownEmpty = load<{ Empty: new () => never }>('google-protobuf/google/protobuf/empty_pb.js');

export type {
  ReadReq,
  ReadResp,
  AppendReq,
  AppendResp,
  BatchAppendReq,
  BatchAppendResp,
} from '@eventstore/db-client/generated/streams_pb.js';
export type { UUID, Empty } from '@eventstore/db-client/generated/shared_pb.js';
export type { ClusterInfo } from '@eventstore/db-client/generated/gossip_pb.js';
export type { SupportedMethods } from '@eventstore/db-client/generated/serverfeatures_pb.js';
