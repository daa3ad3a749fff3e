/** Hosts and ports of a server's URL, without the login that may be in it. */
export function addressOf(url: string): string {
  return /^[a-z+]+:\/\/(?:[^/?]*@)?([^/?@]+)/.exec(url)?.[1] ?? 'its configured address';
}
