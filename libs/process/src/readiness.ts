/** Asked for its health, nobody waits longer: probes have a patience of their own. */
const ANSWER_MS_MAX = 1_000;

/** A part without which the process should not be sent work. */
export interface ReadinessPart {
  readonly name: string;
  isReady(): boolean | Promise<boolean>;
  /** Why it is not ready, for whoever looks at it at night; null when there is nothing to say. */
  reason?(): string | null;
  /** Shown, and no reason to send the process nothing: it does what it can without. */
  readonly isOptional?: boolean;
}

export interface CheckedPart {
  readonly name: string;
  readonly ready: boolean;
  readonly optional?: true;
  readonly reason?: string;
}

/** What `GET /health/ready` answers. */
export interface Readiness {
  readonly status: 'ready' | 'not-ready';
  readonly parts: readonly CheckedPart[];
}

export async function checkReadiness(parts: readonly ReadinessPart[]): Promise<Readiness> {
  const checked = await Promise.all(parts.map(check));
  const isReady = checked.every(({ ready, optional }) => ready || optional === true);
  return { status: isReady ? 'ready' : 'not-ready', parts: checked };
}

/** A server that is ready when it answers a question in time. */
export function answers(name: string, ask: () => Promise<unknown>): ReadinessPart {
  let reason: string | null = null;
  return {
    name,
    isReady: async () => {
      reason = await failureOf(ask);
      return reason === null;
    },
    reason: () => reason,
  };
}

async function failureOf(ask: () => Promise<unknown>): Promise<string | null> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve(`no answer within ${ANSWER_MS_MAX} ms`), ANSWER_MS_MAX);
  });
  try {
    const asked = ask().then(
      () => null,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    );
    return await Promise.race([asked, tooLong]);
  } finally {
    clearTimeout(timer);
  }
}

async function check(part: ReadinessPart): Promise<CheckedPart> {
  const ready = await asks(part);
  const reason = ready ? null : (part.reason?.() ?? null);
  return {
    name: part.name,
    ready,
    ...(part.isOptional === true ? { optional: true } : {}),
    ...(reason === null ? {} : { reason }),
  };
}

async function asks(part: ReadinessPart): Promise<boolean> {
  try {
    return await part.isReady();
  } catch {
    return false;
  }
}
