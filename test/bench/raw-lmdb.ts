// The reference for whatever the engine writes: the blocks of a log once more, into an LMDB with nothing around it.
import { open } from 'lmdb';

const BYTES = { encoding: 'binary', keyEncoding: 'binary' } as const;

export interface RawAppend {
  /** The directory of an embedded event store that nobody holds. */
  readonly from: string;
  /** A directory that is not there yet. */
  readonly to: string;
  /** A transaction carries whole blocks, until they have so many events. */
  readonly transactionEvents: number;
  readonly warmUpTransactions: number;
}

interface Entry {
  readonly key: Buffer;
  readonly value: Buffer;
  /** Position of the block's first event. */
  readonly first: number;
}

/** Events a second; each transaction is on disk before the next one begins. */
export async function appendRaw({ from, to, transactionEvents, warmUpTransactions }: RawAppend): Promise<number> {
  const transactions = transactionsOf(await blocksOf(from), transactionEvents);
  const target = open<Buffer, Buffer>({
    ...BYTES,
    path: to,
    overlappingSync: false,
    eventTurnBatching: false,
    noMemInit: true,
  });
  let seconds = 0;
  let events = 0;
  // The last one is not measured: how many events its last block has does not stand in a key.
  for (const [index, entries] of transactions.slice(0, -1).entries()) {
    const started = performance.now();
    await target.batch(() => {
      for (const { key, value } of entries) void target.put(key, value);
    });
    if (index < warmUpTransactions) continue;
    seconds += (performance.now() - started) / 1_000;
    events += transactions[index + 1]![0]!.first - entries[0]!.first;
  }
  await target.close();
  return events / seconds;
}

async function blocksOf(directory: string): Promise<readonly Entry[]> {
  const source = open<Buffer, Buffer>({ ...BYTES, path: directory, readOnly: true });
  const blocks = source.openDB<Buffer, Buffer>({ ...BYTES, name: 'blocks' });
  const entries = Array.from(blocks.getRange(), ({ key, value }) => {
    const copied = Buffer.from(key);
    return { key: copied, value: Buffer.from(value), first: Number(copied.readBigUInt64BE()) };
  });
  await source.close();
  return entries;
}

function transactionsOf(blocks: readonly Entry[], transactionEvents: number): readonly (readonly Entry[])[] {
  const transactions: Entry[][] = [];
  for (const block of blocks) {
    const current = transactions.at(-1);
    if (current === undefined || block.first - current[0]!.first >= transactionEvents) transactions.push([block]);
    else current.push(block);
  }
  return transactions;
}
