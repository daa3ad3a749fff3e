import { randomUUID } from 'node:crypto';
import type { sendUnaryData, ServerUnaryCall } from '@grpc/grpc-js';
import { gossipPb, sharedPb, type ClusterInfo, type Empty } from './protocol.js';
import type { StandInLeader } from './stand-in.service.js';

const { FOLLOWER, LEADER } = gossipPb.MemberInfo.VNodeState;

/** Of whom a node tells a client that looks for a cluster: itself, and its leader where it is not the leader. */
export function gossipImplementation(ownPort: () => number, leader: StandInLeader) {
  return {
    read(_: ServerUnaryCall<Empty, ClusterInfo>, answer: sendUnaryData<ClusterInfo>): void {
      const elsewhere = leader();
      const info = new gossipPb.ClusterInfo();
      info.addMembers(member('127.0.0.1', ownPort(), elsewhere === null ? LEADER : FOLLOWER));
      if (elsewhere !== null) info.addMembers(member(elsewhere.host, elsewhere.port, LEADER));
      answer(null, info);
    },
  };
}

function member(host: string, port: number, state: typeof FOLLOWER | typeof LEADER) {
  const id = new sharedPb.UUID();
  id.setString(randomUUID());
  const endPoint = new gossipPb.EndPoint();
  endPoint.setAddress(host);
  endPoint.setPort(port);
  const info = new gossipPb.MemberInfo();
  info.setInstanceId(id);
  info.setTimeStamp(String(Date.now()));
  info.setState(state);
  info.setIsAlive(true);
  info.setHttpEndPoint(endPoint);
  return info;
}
