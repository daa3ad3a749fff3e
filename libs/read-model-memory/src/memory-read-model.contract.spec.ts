import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentTelemetry, type Checkpoint } from '@livegift/kernel';
import type { ReadModel } from '@livegift/read-model';
import { describeReadModelContract } from '@livegift/read-model/contract';
import { createMemoryReadModel, type MemoryReadModelOptions } from './memory-read-model.js';

describeReadModelContract('memory', async () => ({
  open: async (options) => createMemoryReadModel(options),
  close: async () => {},
}));

// Every board is built anew for each question, one slice at a time.
describeReadModelContract('memory, keeping nothing', async () => ({
  open: async (options) => createMemoryReadModel({ ...options, hotBoardsMax: 1, hotIdleMs: 0 }),
  close: async () => {},
}));

// Closed and opened again from its snapshot before every batch, unless somebody waits for it.
describeReadModelContract('memory, restarting from snapshots', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'livegift-snapshots-'));
  let models = 0;
  return {
    open: async (options) => restarting({ ...options }, join(directory, String(++models))),
    close: async () => rmSync(directory, { recursive: true }),
  };
});

function restarting(options: MemoryReadModelOptions, file: string): ReadModel {
  let head: Checkpoint | null = null;
  let isBuilt = false;
  let waiting = 0;
  const opened = (storeId: string): ReadModel =>
    createMemoryReadModel({
      ...options,
      snapshot: {
        file,
        storeId,
        foldVersion: 1,
        head: async () => head?.position ?? null,
        eventIdAt: async (position) => `event ${position}`,
        telemetry: silentTelemetry,
        onCloseEvents: 1,
      },
    });
  let model = opened('none yet');
  const restart = async (storeId: string): Promise<void> => {
    await model.close();
    model = opened(head?.storeId ?? storeId);
    await model.checkpoint(0);
    if (isBuilt) await model.markBuilt(0, null);
  };
  const own: Partial<ReadModel> = {
    apply: async (batch) => {
      if (waiting === 0) await restart(batch.storeId);
      const result = await model.apply(batch);
      if (result.applied) head = { storeId: batch.storeId, position: batch.to };
      return result;
    },
    drop: async (partition) => {
      head = null;
      isBuilt = false;
      await model.drop(partition);
    },
    markBuilt: async (partition, reached) => {
      const marked = await model.markBuilt(partition, reached);
      isBuilt ||= marked;
      return marked;
    },
    waitFor: (...asked) => {
      waiting++;
      return model.waitFor(...asked).finally(() => waiting--);
    },
  };
  return new Proxy({} as ReadModel, {
    get: (_, name: keyof ReadModel) => {
      const value: unknown = own[name] ?? model[name];
      return typeof value === 'function' ? value.bind(model) : value;
    },
  });
}
