import type { RoomState } from '@livegift/domain';
import type { EventStore } from '@livegift/event-store';
import type { RecordedEvent } from '@livegift/kernel';
import { RoomReferences } from './room-references.js';

type Read = (type: 'RoomOpened' | 'RoomClosed' | null) => void;

/** Rooms over a store whose reads are answered by hand, in the order in which they were asked. */
function roomsByHand() {
  const clock = { nowMs: 1_000_000, elapsedMs: () => clock.nowMs };
  const reads: Read[] = [];
  const readStream = (): Promise<readonly RecordedEvent[]> =>
    new Promise((resolve) => {
      reads.push((type) => {
        const event = { type, revision: 0, data: { roomId: 'r', creatorId: 'cleo' } };
        resolve(type === null ? [] : [event as unknown as RecordedEvent]);
      });
    });
  const store = { readStream } as Pick<EventStore, 'readStream'> as EventStore;
  const rooms = new RoomReferences(store, clock, { referenceStalenessMs: 1_000, referencesCachedMax: 10 });
  return { clock, reads, rooms };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const OPEN = { creatorId: 'cleo', open: true };
const CLOSED = { creatorId: 'cleo', open: false };
const closed = { roomId: 'r', creatorId: 'cleo', openedAt: 'then', closedAt: 'now' } as RoomState;

describe('what is known of a room', () => {
  it('is as old as the question that it answers, not as the answer', async () => {
    const { clock, reads, rooms } = roomsByHand();
    const asked = rooms.get('r');
    await turn();
    clock.nowMs += 900;
    reads[0]!('RoomOpened');
    expect(await asked).toEqual(OPEN);
    clock.nowMs += 101;
    expect(rooms.cached('r')).toBeUndefined();
  });

  it('stays closed when a reading that began before the closing ends after it', async () => {
    const { reads, rooms } = roomsByHand();
    const asked = rooms.read('r');
    rooms.note('r', closed);
    reads[0]!('RoomOpened');
    expect(await asked).toEqual(CLOSED);
    expect(rooms.cached('r')).toEqual(CLOSED);
  });

  it('is asked for again by who comes while a reading is under way that finds no room', async () => {
    const { reads, rooms } = roomsByHand();
    const early = rooms.get('r');
    await turn();
    const late = rooms.get('r');
    await turn();
    reads[0]!(null);
    expect(await early).toBeNull();
    await turn();
    reads[1]!('RoomOpened');
    expect(await late).toEqual(OPEN);
  });

  it('is asked for again by who joined a reading that had begun too long ago', async () => {
    const { clock, reads, rooms } = roomsByHand();
    const early = rooms.get('r');
    await turn();
    clock.nowMs += 1_001;
    const late = rooms.get('r');
    await turn();
    reads[0]!('RoomOpened');
    expect(await early).toEqual(OPEN);
    await turn();
    reads[1]!('RoomClosed');
    expect(await late).toEqual(CLOSED);
  });
});
