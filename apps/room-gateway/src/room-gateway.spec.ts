import { OriginPolicy } from '@livegift/process';
import type { FanOut } from '@livegift/fanout';
import { silentTelemetry, type Scheduler } from '@livegift/kernel';
import { createMemoryReadModel } from '@livegift/read-model-memory';
import type { EndReason } from '@livegift/room-feed';
import { ROOM_GATEWAY_DEFAULTS } from './room-gateway.config.js';
import { RoomGateway } from './room-gateway.js';

const clock = { now: () => 0, elapsedMs: () => 0 };
const never: Scheduler = { after: () => ({ cancel: () => {} }) };

describe('a gateway that is going', () => {
  it('sends everybody away at once, also while the fan-out hangs', async () => {
    let deliveries = 0;
    const hanging = <Nothing>(): Promise<Nothing> => new Promise(() => {});
    const fanOut: FanOut = {
      sourcePartitionCount: 1,
      openPublisher: hanging,
      subscribe: async () => ({
        next: () => (deliveries++ === 0 ? Promise.resolve({ messages: [], floors: [], caughtUp: true }) : hanging()),
        reached: () => 0,
        close: hanging,
      }),
      end: hanging,
      close: hanging,
    };
    const readModel = createMemoryReadModel();
    await readModel.markBuilt(0, null);
    const set = { creatorId: 'cora', title: null, state: 'open', openedAt: '2026-05-13T10:20:30.400Z' };
    const position = '0000000000000001' as never;
    const batch = { partition: 0, storeId: 'a-store', from: null, to: position, newestRecordedMs: null };
    await readModel.apply({ ...batch, writes: [{ kind: 'row', table: 'room', id: 'lounge', set }] });
    const outside = { clock, scheduler: never, telemetry: silentTelemetry };
    const gateway = new RoomGateway({
      origins: OriginPolicy.ofThisMachine(),
      fanOut,
      readModel,
      storeId: 'a-store',
      ...outside,
      config: ROOM_GATEWAY_DEFAULTS,
    });
    gateway.start();
    const entry = await gateway.enter({ roomId: 'lounge', from: null, after: null });
    if ('refused' in entry) throw new Error(entry.refused);
    const ended: EndReason[] = [];
    entry.join({ write: () => {}, end: (reason) => ended.push(reason) });
    void gateway.stop();
    expect(ended).toEqual(['going-away']);
  });
});
