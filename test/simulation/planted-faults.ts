import {
  EventStoreError,
  type AppendResult,
  type EventStore,
  type ExpectedRevision,
  type OrderedAppend,
  type OrderedAppendResult,
  type Snapshot,
} from '@livegift/event-store';
import type { ClaimRule } from '@livegift/gift-api/purchases/purchase-completion';
import { instant, type Clock, type NewEvent, type Position, type RecordedEvent } from '@livegift/kernel';
import type { ReadModel, ReadModelBatch } from '@livegift/read-model';
import type { ApplyRule } from '@livegift/testing';
import { SOUND_PARTS, type Parts } from './parts.js';

export interface PlantedFault {
  readonly parts: Parts;
  /** What the audit says when it has found this fault, and not another. */
  readonly shows: RegExp;
}

/** Each of these is a way to lose or double money that looks right in every test without faults. */
export const PLANTED_FAULTS: Readonly<Record<string, PlantedFault>> = {
  'settling without the position rule': {
    parts: {
      ...SOUND_PARTS,
      settlement: (parts) => SOUND_PARTS.settlement({ ...parts, store: forgetsHowFarCreatorsAreSettled(parts.store) }),
    },
    shows: /DiamondsCredited: gift .* is credited a second time/,
  },
  'a batch applied because it is newer': {
    parts: { ...SOUND_PARTS, applyRule: appliesWhatIsNewer },
    shows: /(read model of|wallet|room) .* the log says/,
  },
  'a checkpoint moved before its writes': {
    parts: {
      ...SOUND_PARTS,
      projector: (parts) => SOUND_PARTS.projector({ ...parts, readModel: movesCheckpointFirst(parts.readModel) }),
    },
    shows: /(read model of|wallet|room) .* the log says/,
  },
  'a projector that trusts its lease': {
    parts: {
      ...SOUND_PARTS,
      projector: (parts) => SOUND_PARTS.projector({ ...parts, readModel: appliesWhateverIsStored(parts.readModel) }),
    },
    shows: /(read model of|wallet|room) .* the log says/,
  },
  'a checkpoint read before the fence': {
    parts: { ...SOUND_PARTS, openRule: 'read-then-fence' },
    shows: /source partition .* after/,
  },
  'an answer before the append': {
    parts: { ...SOUND_PARTS, store: (store) => answersBeforeAppending(store) },
    shows: /answered before it was durable/,
  },
  'an append repeated after an unknown outcome': {
    parts: { ...SOUND_PARTS, store: (store) => repeatsAfterUnknown(store) },
    shows: /idempotency key .* was used at revision/,
  },
  'idempotency keys forgotten by a snapshot': {
    parts: { ...SOUND_PARTS, store: (store) => snapshotsWithoutKeys(store) },
    shows: /idempotency key .* was used at revision/,
  },
  'no key remembered of a command that had nothing to do': {
    parts: { ...SOUND_PARTS, store: (store) => confirmsWithoutKey(store) },
    shows: /was accepted, and its key is not remembered/,
  },
  'a claim that does not see its key on another command': {
    parts: { ...SOUND_PARTS, claimRule: onlyItsOwnCoins },
    shows: /CoinsPurchased: idempotency key .* was used at revision/,
  },
  'events stamped with a wall clock that was set back': {
    parts: { ...SOUND_PARTS, store: (store, { clock }) => stampsAsTheClockSays(store, clock) },
    shows: /recordedAt goes back/,
  },
  'history appended side by side': {
    parts: { ...SOUND_PARTS, store: (store) => appendsSideBySide(store) },
    shows: /out of line order: line .* of an import/,
  },
};

/** Nobody else has this partition now, so what was read for it can only be what comes next. */
function appliesWhateverIsStored(model: ReadModel): ReadModel {
  return new Proxy(model, {
    get(target, name) {
      if (name === 'apply') {
        return async (batch: ReadModelBatch) => {
          const result = await target.apply(batch);
          if (result.applied) return result;
          return target.apply({ ...batch, from: result.checkpoint?.position ?? null });
        };
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

/** The store with some of its methods replaced. */
function changed(store: EventStore, methods: Partial<EventStore>): EventStore {
  return new Proxy(store, {
    get(target, name) {
      const method = (methods as Record<PropertyKey, unknown>)[name];
      if (method !== undefined) return method;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

function forgetsHowFarCreatorsAreSettled(store: EventStore): EventStore {
  return changed(store, {
    readStream: async (stream, options) => {
      const events = await store.readStream(stream, options);
      if (!stream.startsWith('creator-')) return events;
      return events.map((event): RecordedEvent => {
        if (event.type !== 'DiamondsCredited') return event;
        return { ...event, data: { ...(event.data as object), giftPosition: '0'.repeat(16) } };
      });
    },
  });
}

async function appliesWhatIsNewer(model: ReadModel, batch: ReadModelBatch): ReturnType<ApplyRule> {
  const stored = await model.checkpoint(batch.partition);
  const isNewer = stored !== null && batch.to > stored.position;
  return model.apply(isNewer ? { ...batch, from: stored.position } : batch);
}

function movesCheckpointFirst(model: ReadModel): ReadModel {
  return new Proxy(model, {
    get(target, name) {
      if (name === 'apply') {
        return async (batch: ReadModelBatch) => {
          const moved = await target.apply({ ...batch, writes: [] });
          return moved.applied ? target.apply({ ...batch, from: batch.to }) : moved;
        };
      }
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

const POSITION_DIGITS = 16;

/** Guesses what the answer will be, and lets the append follow. */
function answersBeforeAppending(store: EventStore): EventStore {
  return changed(store, {
    append: async (stream: string, events: readonly NewEvent[], expected: ExpectedRevision): Promise<AppendResult> => {
      if (!stream.startsWith('wallet-')) return store.append(stream, events, expected);
      const head = Number((await store.head()) ?? 0);
      store.append(stream, events, expected).catch(() => {});
      const first = expected === 'no-stream' ? 0 : expected + 1;
      const positions = events.map((_, n) => String(head + 1 + n).padStart(POSITION_DIGITS, '0') as Position);
      return { revision: first + events.length - 1, positions };
    },
  });
}

/** Nobody knows whether it was made, so it is made again where the stream ends now. */
function repeatsAfterUnknown(store: EventStore): EventStore {
  return changed(store, {
    append: async (stream: string, events: readonly NewEvent[], expected: ExpectedRevision): Promise<AppendResult> => {
      try {
        return await store.append(stream, events, expected);
      } catch (error) {
        if (!(error instanceof EventStoreError) || error.code !== 'append-outcome-unknown') throw error;
        const [last] = await store.readStream(stream, { direction: 'backwards', limit: 1 });
        return store.append(stream, events, last?.revision ?? 'no-stream');
      }
    },
  });
}

/** Nothing was done, so there seems to be nothing to repeat. */
function confirmsWithoutKey(store: EventStore): EventStore {
  const withoutKey = (event: NewEvent): NewEvent => {
    if (event.type !== 'WalletConfirmed' && event.type !== 'RoomConfirmed') return event;
    const { idempotencyKey: _, bodyHash: __, ...metadata } = event.metadata;
    return { ...event, metadata };
  };
  return changed(store, {
    append: (stream: string, events: readonly NewEvent[], expected: ExpectedRevision) =>
      store.append(stream, events.map(withoutKey), expected),
  });
}

/** So the payment makes coins once; and its key acts twice where another payment, or a gift, was quicker with it. */
function onlyItsOwnCoins(...[{ type, data, position }, claim]: Parameters<ClaimRule>): ReturnType<ClaimRule> {
  const isItsOwn = type === 'CoinsPurchased' && data.provider === claim.provider && data.paymentId === claim.paymentId;
  return isItsOwn ? { purchase: data, position } : null;
}

/** Without regard for what the stream says already. */
function stampsAsTheClockSays(store: EventStore, clock: Clock): EventStore {
  const stamped = (event: NewEvent): NewEvent => {
    return { ...event, metadata: { ...event.metadata, recordedAt: instant(clock.now()) } };
  };
  return changed(store, {
    append: (stream: string, events: readonly NewEvent[], expected: ExpectedRevision) =>
      store.append(stream, events.map(stamped), expected),
  });
}

/** Quicker, and only out of order when one overtakes another. */
function appendsSideBySide(store: EventStore): EventStore {
  return changed(store, {
    appendInOrder: async (entries: readonly OrderedAppend[]): Promise<OrderedAppendResult> => {
      const outcomes = await Promise.allSettled(
        entries.map(({ stream, events, expected }) => store.append(stream, events, expected)),
      );
      const failed = outcomes.findIndex(({ status }) => status === 'rejected');
      const results = (failed < 0 ? outcomes : outcomes.slice(0, failed)) as PromiseFulfilledResult<AppendResult>[];
      const failure = failed < 0 ? undefined : ((outcomes[failed] as PromiseRejectedResult).reason as Error);
      const appended = results.map(({ value: { revision, positions } }) => ({ revision, position: positions.at(-1)! }));
      return { results: appended, failure };
    },
  });
}

/** A snapshot of command handling: length of its head, the head, then the keys. */
function snapshotsWithoutKeys(store: EventStore): EventStore {
  return changed(store, {
    saveSnapshot: (name: string, snapshot: Snapshot) => {
      const bytes = Buffer.from(snapshot.bytes);
      return store.saveSnapshot(name, { ...snapshot, bytes: bytes.subarray(0, 4 + bytes.readUInt32LE(0)) });
    },
  });
}
