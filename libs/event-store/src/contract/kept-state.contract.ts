/// <reference types="jest" />
import type { Position } from '@livegift/kernel';
import type { Snapshot } from '../event-store.js';
import { ContractContext, type OpenEventStoreHarness } from './harness.js';

export function describeKeptState(open: OpenEventStoreHarness): void {
  describe('snapshots and checkpoints', () => {
    const given = ContractContext.forTopic(open);
    let position: Position;

    beforeAll(async () => {
      const { positions } = await given.store.append(given.fresh('state'), given.events(1), 'no-stream');
      position = positions[0]!;
    });
    const snapshot = (revision: number, size = 1_000): Snapshot => ({
      stateVersion: 7,
      revision,
      position,
      bytes: Uint8Array.from({ length: size }, (_, at) => (at * 31 + revision) & 0xff),
    });
    const plain = (saved: Snapshot | null): unknown => saved && { ...saved, bytes: [...saved.bytes] };

    it('knows no snapshot and no checkpoint that was not saved', async () => {
      expect(await given.store.loadSnapshot(given.fresh('none'))).toBeNull();
      expect(await given.store.loadCheckpoint(given.fresh('none'))).toBeNull();
    });

    it.each([0, 1, 100_000])('answers a snapshot of %d bytes as it was saved, also after a restart', async (size) => {
      const name = given.fresh('snapshot');
      const saved = snapshot(12, size);
      await given.store.saveSnapshot(name, saved);
      expect(plain(await given.store.loadSnapshot(name))).toEqual(plain(saved));
      await given.restart();
      expect(plain(await given.store.loadSnapshot(name))).toEqual(plain(saved));
    });

    it('answers the newest snapshot, and keeps those of other names apart', async () => {
      const [name, other] = [given.fresh('newest'), given.fresh('other')];
      for (const revision of [1, 2, 3]) await given.store.saveSnapshot(name, snapshot(revision));
      await given.store.saveSnapshot(other, snapshot(1));
      expect((await given.store.loadSnapshot(name))!.revision).toBe(3);
      expect((await given.store.loadSnapshot(other))!.revision).toBe(1);
    });

    it('does not change a snapshot when the bytes that were saved are used again', async () => {
      const name = given.fresh('reused');
      const saved = snapshot(4);
      const before = plain(saved);
      await given.store.saveSnapshot(name, saved);
      saved.bytes.fill(0);
      expect(plain(await given.store.loadSnapshot(name))).toEqual(before);
    });

    it('answers the checkpoint saved last, with the id of the store, also after a restart', async () => {
      const consumer = given.fresh('consumer');
      const { positions } = await given.store.append(given.fresh('moved'), given.events(3), 'no-stream');
      for (const at of positions) await given.store.saveCheckpoint(consumer, at);
      const expected = { storeId: given.store.storeId, position: positions[2] };
      expect(await given.store.loadCheckpoint(consumer)).toEqual(expected);
      await given.restart();
      expect(await given.store.loadCheckpoint(consumer)).toEqual(expected);
    });

    it('forgets a checkpoint, also after a restart, and takes a new one', async () => {
      const consumer = given.fresh('reset');
      await given.store.saveCheckpoint(consumer, position);
      await given.store.saveCheckpoint(consumer, null);
      expect(await given.store.loadCheckpoint(consumer)).toBeNull();
      await given.restart();
      expect(await given.store.loadCheckpoint(consumer)).toBeNull();
      await given.store.saveCheckpoint(consumer, position);
      expect(await given.store.loadCheckpoint(consumer)).toMatchObject({ position });
    });

    it('keeps the checkpoints of consumers apart', async () => {
      const [one, two] = [given.fresh('one'), given.fresh('two')];
      await given.store.saveCheckpoint(one, position);
      expect(await given.store.loadCheckpoint(two)).toBeNull();
    });
  });
}
