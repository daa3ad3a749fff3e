import { eventually, type LogEvent } from '../support/api-client.js';
import type { Cluster } from '../support/cluster.js';
import { readModelDifferences, TopicReader } from './scaling-out.witnesses.js';

const PUBLISHED_MS_MAX = 60_000;
const DIFFERENCES_SHOWN_MAX = 20;
const DIFFERENCE_LENGTH_MAX = 200;

/** All that Redis holds against a fold of the log in memory. */
export async function breachesInRedis(cluster: Cluster): Promise<readonly string[]> {
  const differences = await readModelDifferences(cluster);
  const left = differences.length - DIFFERENCES_SHOWN_MAX;
  const shown = differences.slice(0, DIFFERENCES_SHOWN_MAX).map((line) => line.slice(0, DIFFERENCE_LENGTH_MAX));
  return left > 0 ? [...shown, `and ${left} more in Redis`] : shown;
}

export interface TopicFindings {
  readonly breaches: readonly string[];
  readonly messages: number;
  /** Messages of gifts that had come before. */
  readonly repeats: number;
}

/** What a consumer of the topic gets from its beginning on: every live gift, and each room's in the order of the log. */
export async function breachesInKafka(cluster: Cluster, gifts: readonly LogEvent[]): Promise<TopicFindings> {
  const expected = new Map<string, string[]>();
  for (const { data } of gifts) {
    if (data['imported'] === true) continue;
    const roomId = String(data['roomId']);
    const known = expected.get(roomId);
    if (known === undefined) expected.set(roomId, [String(data['giftId'])]);
    else known.push(String(data['giftId']));
  }
  const reader = await TopicReader.start(cluster);
  try {
    const missing = (): number =>
      [...expected].reduce((sum, [roomId, giftIds]) => sum + giftIds.length - new Set(reader.of(roomId)).size, 0);
    await eventually(
      async () => missing(),
      (count) => count === 0,
      PUBLISHED_MS_MAX,
    ).catch(() => null);
    const breaches = [...expected].flatMap(([roomId, giftIds]) => roomBreaches(roomId, reader.of(roomId), giftIds));
    const liveGifts = [...expected.values()].reduce((sum, giftIds) => sum + giftIds.length, 0);
    return { breaches, messages: reader.count, repeats: reader.count - liveGifts };
  } finally {
    await reader.stop();
  }
}

/** Repeats apart, the topic has the room's gifts as the log has them. */
export function roomBreaches(roomId: string, read: readonly string[], giftIds: readonly string[]): readonly string[] {
  const once = [...new Set(read)];
  const at = giftIds.findIndex((giftId, index) => once[index] !== giftId);
  if (at !== -1) return [`${roomId} in Kafka: gift ${at + 1} is ${once[at]}; in the log it is ${giftIds[at]}`];
  return once.length === giftIds.length ? [] : [`${roomId} in Kafka: the log has no ${once[giftIds.length]}`];
}
