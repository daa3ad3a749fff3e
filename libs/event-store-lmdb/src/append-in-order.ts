import type {
  Appended,
  AppendResult,
  EventStoreError,
  OrderedAppend,
  OrderedAppendResult,
} from '@livegift/event-store';

/** Begins an append, which takes its place in the log at once, or throws. */
type Begin = (entry: OrderedAppend) => Promise<AppendResult>;

/** Begins one entry after the other without waiting, so that they share transactions; ends at the first that is refused. */
export async function appendInOrder(entries: readonly OrderedAppend[], begin: Begin): Promise<OrderedAppendResult> {
  const results: Appended[] = [];
  let begun: Promise<AppendResult>[] = [];
  const settle = async (): Promise<Error | undefined> => {
    for (const outcome of await Promise.allSettled(begun)) {
      if (outcome.status === 'rejected') return outcome.reason as Error;
      const { revision, positions } = outcome.value;
      results.push({ revision, position: positions.at(-1)! });
    }
    begun = [];
    return undefined;
  };
  for (const entry of entries) {
    let refusal = tryToBegin(entry, begin, begun);
    if (refusal === null) continue;
    const failure = await settle();
    if (failure !== undefined) return { results, failure };
    // The queue was full of the entries before: they are written now.
    if (refusal.code === 'overloaded') refusal = tryToBegin(entry, begin, begun);
    if (refusal !== null) return { results, failure: refusal };
  }
  const failure = await settle();
  return failure === undefined ? { results } : { results, failure };
}

function tryToBegin(entry: OrderedAppend, begin: Begin, begun: Promise<AppendResult>[]): EventStoreError | null {
  try {
    const appended = begin(entry);
    // All are awaited together, later: until then a rejection is not unhandled.
    appended.catch(() => {});
    begun.push(appended);
    return null;
  } catch (error) {
    return error as EventStoreError;
  }
}
