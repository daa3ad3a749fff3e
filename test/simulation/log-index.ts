import type { RecordedEvent } from '@livegift/kernel';

/** The whole log, with its streams beside it. */
export class LogIndex {
  readonly #streams = new Map<string, RecordedEvent[]>();

  constructor(
    readonly log: readonly RecordedEvent[],
    private readonly durableMs: readonly number[],
  ) {
    for (const event of log) {
      const events = this.#streams.get(event.stream);
      if (events === undefined) this.#streams.set(event.stream, [event]);
      else events.push(event);
    }
  }

  get streams(): Iterable<readonly [string, readonly RecordedEvent[]]> {
    return this.#streams;
  }

  stream(name: string): readonly RecordedEvent[] {
    return this.#streams.get(name) ?? [];
  }

  /** What no stream may show, whatever the wall clocks of its writers did. */
  findings(): string[] {
    return [...this.#streams.values()].flatMap((events) =>
      events.flatMap((event, index) => {
        const before = events[index - 1]?.metadata.recordedAt ?? '';
        const { recordedAt } = event.metadata;
        if (recordedAt >= before) return [];
        return [`recordedAt goes back in ${event.stream} at ${event.revision}: ${recordedAt} after ${before}`];
      }),
    );
  }

  durableAtMs(event: RecordedEvent): number {
    return this.durableMs[Number(event.position) - 1]!;
  }

  at(position: string): RecordedEvent | undefined {
    return this.log[Number(position) - 1];
  }
}
