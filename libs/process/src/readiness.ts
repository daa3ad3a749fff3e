/** A part without which the process should not be sent work. */
export interface ReadinessPart {
  readonly name: string;
  isReady(): boolean | Promise<boolean>;
  /** Why it is not ready, for whoever looks at it at night; null when there is nothing to say. */
  reason?(): string | null;
}

export interface CheckedPart {
  readonly name: string;
  readonly ready: boolean;
  readonly reason?: string;
}

/** What `GET /health/ready` answers. */
export interface Readiness {
  readonly status: 'ready' | 'not-ready';
  readonly parts: readonly CheckedPart[];
}

export async function checkReadiness(parts: readonly ReadinessPart[]): Promise<Readiness> {
  const checked = await Promise.all(parts.map(check));
  return { status: checked.every(({ ready }) => ready) ? 'ready' : 'not-ready', parts: checked };
}

async function check(part: ReadinessPart): Promise<CheckedPart> {
  const ready = await asks(part);
  const reason = ready ? null : (part.reason?.() ?? null);
  return reason === null ? { name: part.name, ready } : { name: part.name, ready, reason };
}

async function asks(part: ReadinessPart): Promise<boolean> {
  try {
    return await part.isReady();
  } catch {
    return false;
  }
}
