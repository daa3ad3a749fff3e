import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Position } from '@livegift/kernel';
import type { RoomMessage } from '@livegift/fanout';
import { MessageLog } from './message-log.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const messageAt = (number: number): RoomMessage => ({
  type: 'gift-sent',
  id: `viewer.${number}`,
  roomId: 'room',
  storeId: 'store',
  position: String(number).padStart(16, '0') as Position,
  occurredAt: '2026-05-13T10:20:30.400Z',
  body: '{}',
});

describe('the log of the memory fan-out', () => {
  it('lets go of messages at once, however many come together', async () => {
    const log = new MessageLog(100);
    const refs: WeakRef<RoomMessage>[] = [];
    for (let entry = 0; entry < 10; entry++) {
      const messages = Array.from({ length: 50 }, (_, i) => messageAt(entry * 50 + i));
      refs.push(new WeakRef(messages[0]!));
      log.add({ sourcePartition: 0, publishedAtMs: entry, messages });
      log.dropBefore(0);
    }
    await new Promise((resolve) => setImmediate(resolve));
    collectGarbage();
    expect(refs.map((ref) => ref.deref() !== undefined)).toEqual([...Array(8).fill(false), true, true]);
    expect(log.read(log.begin, 1_000).messages.map(({ id }) => id)).toEqual(
      Array.from({ length: 100 }, (_, i) => `viewer.${400 + i}`),
    );
  });
});
