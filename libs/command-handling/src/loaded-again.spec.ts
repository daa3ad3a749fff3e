import { silentTelemetry, type Position } from '@livegift/kernel';
import { InMemoryEventStore } from '@livegift/testing';
import type { Accepted, CommandOutcome } from './outcome.js';
import { StreamCommands, type StreamCommandsOptions } from './stream-commands.js';
import { toyConfirmed, toyDecider, type ToyCommand } from './toy-purse.js';

interface Answer {
  readonly revision: number;
  readonly held: number | undefined;
}

const PURSE = 'purse-a';
const SNAPSHOT = `commands-${PURSE}`;

let store: InMemoryEventStore;
let ids = 0;

beforeEach(() => {
  store = new InMemoryEventStore('b7a1b1c5-0000-4000-8000-000000000001');
});

/** One process over the store. */
function started(
  options: Partial<StreamCommandsOptions> = {},
): (command: ToyCommand) => Promise<CommandOutcome<Answer>> {
  const commands = new StreamCommands({
    store,
    clock: { now: () => 0 },
    ids: { uuid: () => `id-${ids++}` },
    telemetry: silentTelemetry,
    kind: { decider: toyDecider, stateVersion: 1, confirmed: toyConfirmed },
    options,
  });
  const cause = { idempotencyKey: null, bodyHash: null, correlationId: 'c' };
  return (command) =>
    commands.execute(PURSE, command, cause, ({ events, revision, state }): Accepted<Answer> => {
      return { answer: { revision, held: state?.held }, created: events.length > 0, replayed: false };
    });
}

const fill = (amount: number): ToyCommand => ({ type: 'Fill', amount });
const take = (amount: number): ToyCommand => ({ type: 'Take', amount });
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('what is cached of a stream that others have written to', () => {
  it('does not say that there is nothing to do before the fresh tail does', async () => {
    const [here, there] = [started(), started()];
    await here(fill(1));
    await there(fill(2));
    expect(await here(fill(0))).toMatchObject({ created: false, answer: { revision: 1, held: 3 } });
  });

  it('refuses nothing before all of the tail has been read, however many pages it has', async () => {
    const [here, there] = [started({ pageEvents: 2 }), started()];
    await here(fill(1));
    for (let amount = 1; amount <= 7; amount++) await there(fill(amount));
    expect(await here(take(30))).toEqual({ refused: 'purse-empty', details: { held: 29 } });
    expect(await here(take(29))).toMatchObject({ answer: { held: 0 } });
  });
});

describe('a snapshot', () => {
  it('that was taken of another past of the stream is left aside', async () => {
    const here = started({ snapshotEveryEvents: 2 });
    for (let n = 0; n < 8; n++) await here(fill(1));
    await settle();
    const snapshot = (await store.loadSnapshot(SNAPSHOT))!;
    const elsewhere = String(Number(snapshot.position) + 1).padStart(snapshot.position.length, '0') as Position;
    const bytes = Buffer.from(Buffer.from(snapshot.bytes).toString('latin1').replace('"held":8', '"held":7'), 'latin1');
    expect(bytes).not.toEqual(Buffer.from(snapshot.bytes));
    await store.saveSnapshot(SNAPSHOT, { ...snapshot, bytes, position: elsewhere });
    expect(await started({ snapshotEveryEvents: 2 })(take(8))).toMatchObject({ answer: { held: 0 } });
  });

  it('knows the last event of each type, also of one that stands long before it', async () => {
    const here = started({ snapshotEveryEvents: 2 });
    await here(fill(9));
    for (let n = 0; n < 6; n++) await here(take(1));
    await settle();
    expect((await store.loadSnapshot(SNAPSHOT))!.revision).toBeGreaterThan(3);
    await started({ snapshotEveryEvents: 2 })(fill(1));
    const [last] = await store.readStream(PURSE, { direction: 'backwards', limit: 1 });
    expect(last).toMatchObject({ type: 'Filled', metadata: { previousOfType: 0 } });
  });
});
