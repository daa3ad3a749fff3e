import type { Position } from '@livegift/kernel';
import type { EventReader } from '@livegift/event-store';

const CHUNK_EVENTS = 2_000;

/**
 * Where to begin when nothing says how far was published: after the newest event recorded before `recordedBeforeMs`, at
 * most `eventsMax` events back. Null: at the beginning of the log.
 */
export async function startingPoint(
  events: EventReader,
  recordedBeforeMs: number,
  eventsMax: number,
): Promise<Position | null> {
  let after: Position | null = null;
  for (let seen = 0; seen < eventsMax;) {
    const limit = Math.min(CHUNK_EVENTS, eventsMax - seen);
    const chunk = await events.readAll({ after, direction: 'backwards', limit });
    const old = chunk.find((event) => Date.parse(event.metadata.recordedAt) < recordedBeforeMs);
    if (old !== undefined) return old.position;
    if (chunk.length < limit) return null;
    seen += chunk.length;
    after = chunk.at(-1)!.position;
  }
  return after;
}
