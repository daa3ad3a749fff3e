import { unpublished } from './audit-fan-out.js';
import type { Node, Servers } from './node.js';
import type { Platform } from './platform.js';
import { liveGifts, type RoomClient } from './room-clients.js';

/** What has not come right yet; without faults all of it must, within bounded time. */
export function whatIsMissing(
  { store: server, readModel, fanOut }: Servers,
  platform: Platform,
  nodes: readonly Node[],
  screens: readonly RoomClient[],
): string[] {
  const { log } = server;
  const missing: string[] = [];
  const unsettled = platform.asked.filter(({ settled }) => !settled);
  if (unsettled.length > 0) missing.push(`unsettled: ${unsettled.join(', ')}`);
  if (server.appendsUnderWay > 0) missing.push('appends are under way');
  const count = (type: string): number => log.events.filter((event) => event.type === type).length;
  const uncredited = count('GiftSent') - count('DiamondsCredited');
  if (uncredited > 0) missing.push(`${uncredited} gifts are not credited`);
  const claimed = count('PaymentClaimed') + count('HistoryClaimed') - count('PaymentReleased');
  const unfinished = claimed - count('CoinsPurchased');
  if (unfinished > 0) missing.push(`${unfinished} claims made no coins`);
  for (const node of nodes) {
    if (!node.running) missing.push(`${node.name} does not run`);
    if (node.projector === null || !node.running) continue;
    const { phase, ready, position, partitions } = node.projector.state();
    if (!ready || phase !== 'live') missing.push(`${node.name} does not project: ${phase}`);
    if (partitions > 0 && position !== log.head()) missing.push(`${node.name} has projected to ${position}`);
  }
  if (readModel !== null && !readModel.isAt(log.head())) missing.push('the read model is not built to the end');
  for (const giftId of unpublished(fanOut, log.events)) missing.push(`${giftId} is not published`);
  for (const screen of screens) {
    const last = liveGifts(log.events, screen.roomId).at(-1);
    if (screen.closed || last === undefined) continue;
    if (!screen.connected || !screen.has(last)) missing.push(`${screen.name} does not see ${last.position}`);
  }
  return missing;
}
