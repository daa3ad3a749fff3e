/** READ_MODEL_SUBJECTS_MAX: hostile imports cannot fill the memory, and what is there can always be built again. */
import { join } from 'node:path';
import { rmSync } from 'node:fs';
import { ApiClient } from '../support/api-client.js';
import { startEngine, type Engine } from '../support/engine.js';

// Each waits for what it wants to see; the bound only ends a test that never will.
jest.setTimeout(60_000);

describe('an engine at the maximum of its read model', () => {
  let engine: Engine;
  let api: ApiClient;
  let lines = 0;

  beforeAll(async () => {
    engine = await startEngine({ env: { READ_MODEL_SUBJECTS_MAX: '30' } });
    api = new ApiClient(engine.url);
  });
  afterAll(() => engine.dispose());

  interface Answer {
    readonly status: string;
    readonly code?: string;
    readonly position?: string;
  }
  const importOf = async (count: number): Promise<readonly Answer[]> => {
    const body = Array.from({ length: count }, () => {
      const n = ++lines;
      const at = '2016-07-03T12:00:00Z';
      return { importId: `i-${n}`, at, roomId: `r-${n}`, creatorId: `c-${n}`, viewerId: `v-${n}`, coins: 5 };
    });
    return (await api.lines<Answer>('/v1/history/import', body)).body;
  };

  it('takes no new subjects, says so, and builds what it has again', async () => {
    const first = await importOf(12);
    expect(first.every(({ status }) => status === 'accepted')).toBe(true);
    await api.get(`/v1/rooms/r-1?after=${first.at(-1)!.position}`);
    expect(await importOf(1)).toMatchObject([{ status: 'retry', code: 'overloaded' }]);
    const opened = await api.post('/v1/wallets', { viewerId: 'new', region: 'DE', ageAssured: true });
    expect(opened).toMatchObject({ status: 503, body: { code: 'overloaded' } });
    expect(opened.body['detail']).toMatch(/READ_MODEL_SUBJECTS_MAX/);
    expect(opened.headers.get('retry-after')).not.toBeNull();
    expect(await (await fetch(`${engine.url}/metrics`)).text()).toMatch(/livegift_new_subjects_refused_total [1-9]/);

    await engine.stop();
    rmSync(join(engine.dataDir, 'read-model.snapshot'), { force: true });
    await engine.up();
    expect((await api.get('/v1/rooms/r-12')).body).toMatchObject({ giftCount: 1, coins: 5 });
  });
});
