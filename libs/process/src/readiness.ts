import { ENGINE_VERSION } from '@livegift/config';

/** A part without which the process should not be sent work. */
export interface ReadinessPart {
  readonly name: string;
  isReady(): boolean | Promise<boolean>;
  /** Why it is not ready, for whoever looks at it at night; null when there is nothing to say. */
  reason?(): string | null;
  /** Shown, and no reason to send the process nothing: it does what it can without. */
  readonly isOptional?: boolean;
  /** What else to show: which server, since when, how far. Never a secret. */
  facts?(): { readonly [fact: string]: string | number | null | undefined };
}

export interface CheckedPart {
  readonly name: string;
  readonly ready: boolean;
  readonly optional?: true;
  readonly reason?: string;
  readonly [fact: string]: string | number | boolean | null | undefined;
}

/** What `GET /health/ready` answers. */
export interface Readiness {
  readonly status: 'ready' | 'not-ready';
  /** Of the engine. */
  readonly version: string;
  readonly parts: readonly CheckedPart[];
}

/** What `GET /health/live` answers. */
export interface Liveness {
  readonly status: 'live';
  readonly version: string;
}

export const LIVENESS: Liveness = { status: 'live', version: ENGINE_VERSION };

export async function checkReadiness(parts: readonly ReadinessPart[]): Promise<Readiness> {
  const checked = await Promise.all(parts.map(check));
  const isReady = checked.every(({ ready, optional }) => ready || optional === true);
  return { status: isReady ? 'ready' : 'not-ready', version: ENGINE_VERSION, parts: checked };
}

/** The part, shown for whoever looks; the process does what it can without it. */
export const optional = (part: ReadinessPart): ReadinessPart => ({
  name: part.name,
  isReady: () => part.isReady(),
  reason: () => part.reason?.() ?? null,
  facts: () => part.facts?.() ?? {},
  isOptional: true,
});

async function check(part: ReadinessPart): Promise<CheckedPart> {
  const ready = await asks(part);
  const reason = ready ? null : (part.reason?.() ?? null);
  return {
    name: part.name,
    ready,
    ...(part.isOptional === true ? { optional: true } : {}),
    ...(reason === null ? {} : { reason }),
    ...part.facts?.(),
  };
}

async function asks(part: ReadinessPart): Promise<boolean> {
  try {
    return await part.isReady();
  } catch {
    return false;
  }
}
