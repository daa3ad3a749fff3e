import type { HistoryClaimed } from '@livegift/domain';
import { importStream } from '@livegift/domain';
import { InMemoryEventStore, SteeredEventStore } from '@livegift/testing';
import { Claims } from './claims.js';

const STORE = '9f1f2b1e-8a53-4c08-9d5c-3f0a3b1d2c4e';
const AT = '2016-07-01T01:16:54Z';

let uuids = 0;
const ids = { uuid: () => `00000000-0000-4000-8000-${String(++uuids).padStart(12, '0')}` };
const wanted = (importId: string, coins = 1) => ({
  stream: importStream(importId),
  data: { importId, roomId: 'r', creatorId: 'c', viewerId: 'v', coins, walletRevision: -1, occurredAt: AT },
});

describe('claims in order', () => {
  let store: SteeredEventStore;
  let claims: Claims<HistoryClaimed>;

  beforeEach(() => {
    store = new SteeredEventStore(new InMemoryEventStore(STORE));
    claims = new Claims<HistoryClaimed>(store, { now: () => 0 }, ids, 'HistoryClaimed');
  });

  it('let the first of equal ones decide for all, with one append', async () => {
    const asked = Array.from({ length: 500 }, (_, index) => wanted('one', 1 + (index % 3)));
    const { attempts, failure } = await claims.claimInOrder(asked, 'c');
    expect(failure).toBeNull();
    expect(store.appends).toBe(1);
    expect(attempts.map(({ ours }) => ours)).toEqual([true, ...asked.slice(1).map(() => false)]);
    expect(attempts.every(({ data }) => data.coins === 1)).toBe(true);
  });

  it('find those that are held between two that are free in one more round', async () => {
    const asked = Array.from({ length: 300 }, (_, index) => wanted(`i${index}`));
    for (const { stream, data } of asked.slice(1, -1)) await claims.claim(stream, data, 'before');
    store.appends = 0;
    const { attempts } = await claims.claimInOrder(asked, 'c');
    expect(attempts.map(({ ours }) => ours)).toEqual(asked.map((_, index) => index === 0 || index === 299));
    expect(store.appends).toBeLessThanOrEqual(4);
  });
});
