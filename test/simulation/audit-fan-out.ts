import type { GiftSent } from '@livegift/domain';
import type { RecordedEvent } from '@livegift/kernel';
import type { FanOutServer } from '@livegift/testing';

/** Live gifts that nobody has published yet. */
export function unpublished(server: FanOutServer | null, log: readonly RecordedEvent[]): string[] {
  if (server === null) return [];
  const published = new Set(server.committed.flatMap((messages) => messages.map(({ id }) => id)));
  return log.flatMap((event) => {
    if (event.type !== 'GiftSent') return [];
    const { giftId, imported } = event.data as GiftSent['data'];
    return imported || published.has(giftId) ? [] : [giftId];
  });
}

/** What a consumer from the beginning sees: every live gift, each once, in the order of the log in each source partition. */
export function auditFanOut(server: FanOutServer | null, log: readonly RecordedEvent[]): string[] {
  const findings = unpublished(server, log).map((giftId) => `gift ${giftId} was never published`);
  for (const [sourcePartition, messages] of (server?.committed ?? []).entries()) {
    for (const [index, { id, position }] of messages.entries()) {
      const before = messages[index - 1];
      if (before !== undefined && position <= before.position) {
        findings.push(`source partition ${sourcePartition} has ${id} of ${position} after ${before.position}`);
      }
    }
  }
  return findings;
}
