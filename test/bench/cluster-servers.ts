import { findKafka, findRedis } from '@livegift/local-servers';

/** What a cluster needs and this machine has not, said; the bench that asked is left out. */
export function isMissingServers(bench: string): boolean {
  const missing = [findRedis(), findKafka()].flatMap((found) => ('missing' in found ? [found.missing] : []));
  if (missing.length > 0) process.stderr.write(`${bench} is not measured: ${missing.join('; ')}\n`);
  return missing.length > 0;
}
