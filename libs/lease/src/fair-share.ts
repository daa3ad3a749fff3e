import { LEASE_MEMBERS_MAX, type LeaseMember } from './lease-table.js';

export interface Renewal {
  readonly holder: string;
  /** By the lease service's clock. */
  readonly nowMs: number;
  readonly leaseMs: number;
  readonly partCount: number;
  /** What the holder works on as far as it knows: what counts, should the table have forgotten it. */
  readonly held: ReadonlySet<number>;
}

/**
 * The table after one member's renewal: those whose lease has ended are gone, the member's own lease is new, and it has
 * given back what is more than its share or taken what is free, up to its share. Nobody is ever robbed of a live lease.
 * Null when the group is full without it.
 *
 * Once all who live are known, every part is held after each of them has renewed twice (first the surplus comes free, then
 * it is taken), and from then on nothing moves.
 */
export function renewed(members: readonly LeaseMember[], renewal: Renewal): readonly LeaseMember[] | null {
  const { holder, nowMs, leaseMs } = renewal;
  const others = liveOthers(members, renewal);
  if (others.length >= LEASE_MEMBERS_MAX) return null;
  const taken = new Set(others.flatMap(({ parts }) => parts));
  const before = members.find((member) => member.holder === holder && member.untilMs > nowMs);
  const mine = ownParts(before?.parts ?? renewal.held, taken, renewal);
  const own = { holder, untilMs: nowMs + leaseMs, parts: mine };
  const share = shareOf(own, [...others, own], renewal.partCount);
  // Forgotten while it works, it is not alone in that: the others have a turn to say what they work on.
  const isForgotten = before === undefined && renewal.held.size > 0;
  const parts = mine.length > share ? mine.slice(0, share) : isForgotten ? mine : filledUp(mine, taken, share, renewal);
  return [...others, { ...own, parts: parts.toSorted((a, b) => a - b) }].toSorted(byHolder);
}

/** The table without this member, whose parts are free at once. */
export function without(members: readonly LeaseMember[], holder: string): readonly LeaseMember[] {
  return members.filter((member) => member.holder !== holder);
}

/**
 * Live leases of others. One that ends later than a lease can last was made before the service's clock was set back: it
 * is shortened, or a dead process would live for so long. Of a part that two of them have, the first has it.
 */
function liveOthers(members: readonly LeaseMember[], renewal: Renewal): LeaseMember[] {
  const { holder, nowMs, leaseMs } = renewal;
  const seen = new Set<number>();
  return without(members, holder)
    .filter(({ untilMs }) => untilMs > nowMs)
    .toSorted(byHolder)
    .map((member) => ({
      holder: member.holder,
      untilMs: Math.min(member.untilMs, nowMs + leaseMs),
      parts: member.parts.filter((part) => isPart(part, renewal) && !seen.has(part) && seen.add(part)),
    }));
}

/**
 * Parts that do not divide evenly go to those who have more than the even share already, then by name. So who is to
 * have one more does not change while parts move, and the shares always add up to all parts.
 */
function shareOf(own: LeaseMember, members: readonly LeaseMember[], partCount: number): number {
  const even = Math.floor(partCount / members.length);
  const oneMore = partCount % members.length;
  const hasMore = ({ parts }: LeaseMember): number => (parts.length > even ? 0 : 1);
  const order = members.toSorted((a, b) => hasMore(a) - hasMore(b) || byHolder(a, b));
  return even + (order.indexOf(own) < oneMore ? 1 : 0);
}

function ownParts(parts: Iterable<number>, taken: ReadonlySet<number>, renewal: Renewal): number[] {
  return [...new Set(parts)].filter((part) => isPart(part, renewal) && !taken.has(part)).toSorted((a, b) => a - b);
}

function filledUp(mine: readonly number[], taken: ReadonlySet<number>, share: number, renewal: Renewal): number[] {
  const all = Array.from({ length: renewal.partCount }, (_, part) => part);
  return [...mine, ...all.filter((part) => !taken.has(part) && !mine.includes(part))].slice(0, share);
}

function isPart(part: number, { partCount }: Renewal): boolean {
  return part >= 0 && part < partCount;
}

function byHolder(a: LeaseMember, b: LeaseMember): number {
  return a.holder < b.holder ? -1 : a.holder > b.holder ? 1 : 0;
}
