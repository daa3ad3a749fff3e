/** A process of the group, and what it works on until its lease ends. */
export interface LeaseMember {
  readonly holder: string;
  /** By the lease service's clock, milliseconds since 1970. */
  readonly untilMs: number;
  readonly parts: readonly number[];
}

/** Processes that a group may have at once; one more gets nothing until there is room. */
export const LEASE_MEMBERS_MAX = 256;
/** Longest name of a holder, in characters. */
export const HOLDER_LENGTH_MAX = 100;

/** The document of a group: readable, because operators look at it when they wonder who works on what. */
export function documentOf(members: readonly LeaseMember[]): string {
  return JSON.stringify({ members });
}

/** Null for a document that is none of ours: then the group begins anew. */
export function membersIn(document: string): readonly LeaseMember[] | null {
  let read: unknown;
  try {
    read = JSON.parse(document);
  } catch {
    return null;
  }
  const members = (read as { members?: unknown } | null)?.members;
  return Array.isArray(members) && members.every(isMember) ? members : null;
}

function isMember(value: unknown): value is LeaseMember {
  const { holder, untilMs, parts } = (value ?? {}) as { [Key in keyof LeaseMember]?: unknown };
  return (
    typeof holder === 'string' &&
    Number.isSafeInteger(untilMs) &&
    Array.isArray(parts) &&
    parts.every((part) => Number.isSafeInteger(part))
  );
}
