/// <reference types="jest" />
import { generationOf, storeUuidOf } from '@livegift/kernel';
import { HISTORY_STREAM } from '../restored.js';
import { codeOf, ContractContext, type OpenEventStoreHarness } from './harness.js';

const GENERATIONS = ['0123456789abcdef', 'fedcba9876543210'] as const;

/** Last of all: from here on the store under test is of a later generation. */
export function describeHistories(open: OpenEventStoreHarness): void {
  describe('histories', () => {
    const given = ContractContext.forTopic(open);

    const restore = async (generation: string): Promise<void> => {
      const [newest] = await given.store.readStream(HISTORY_STREAM, { direction: 'backwards', limit: 1 });
      const event = given.event({ generation, occurredAt: '2026-03-01T12:00:00.000Z' }, 'StoreRestored');
      await given.store.append(HISTORY_STREAM, [event], newest?.revision ?? 'no-stream');
      await given.restart();
    };

    it('begin anew with each StoreRestored, in the same store', async () => {
      const before = given.store.storeId;
      const seen = new Set([before]);
      for (const generation of GENERATIONS) {
        await restore(generation);
        expect(generationOf(given.store.storeId)).toBe(generation);
        expect(storeUuidOf(given.store.storeId)).toBe(storeUuidOf(before));
        seen.add(given.store.storeId);
      }
      expect(seen.size).toBe(GENERATIONS.length + 1);
    });

    it('refuse a checkpoint of the history before', async () => {
      const position = (await given.store.head())!;
      const checkpoint = { storeId: given.store.storeId, position };
      await restore('00000000000000aa');
      expect(await codeOf(given.store.subscribe({ after: checkpoint }))).toBe('checkpoint-foreign');
    });

    it('go on from the checkpoint that the store itself kept', async () => {
      const consumer = given.fresh('consumer');
      const { positions } = await given.store.append(given.fresh('kept'), given.events(2), 'no-stream');
      await given.store.saveCheckpoint(consumer, positions[0]!);
      await restore('00000000000000bb');
      const kept = await given.store.loadCheckpoint(consumer);
      expect(kept).toEqual({ storeId: given.store.storeId, position: positions[0] });
      const subscription = await given.store.subscribe({ after: kept });
      expect((await subscription.next())!.events.map(({ position }) => position)).toContain(positions[1]);
      subscription.close();
    });
  });
}
