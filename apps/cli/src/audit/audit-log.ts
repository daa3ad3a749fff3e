import type { EventReader } from '@livegift/event-store';
import type { Position } from '@livegift/kernel';
import type { Progress } from '../progress.js';
import type { Report } from './finding.js';
import { MoneyAudit, type AuditSummary } from './money-audit.js';

const READ_EVENTS = 5_000;
/** Beside a running engine the end of the log lacks what is just being appended: look again so often, so long apart. */
const LOOK_AGAIN_MAX = 20;
const LOOK_AGAIN_MS = 250;
/** Looks that bring nothing new: then nobody is writing. */
const IDLE_LOOKS_MAX = 2;

/** What the audit needs from outside. */
export interface AuditOutside {
  /** Ends the audit early. */
  readonly signal: AbortSignal;
  pause(ms: number): Promise<void>;
  /** The time, while an engine is running on this log; else null. */
  engineNowMs(): number | null | Promise<number | null>;
}

/**
 * Re-reads the whole log, in short reads, and checks every rule. Reads on past the head that it found at first only as
 * far as is needed to see gifts credited and claims finished.
 * @returns null when the signal ended it before everything was read
 */
export async function auditLog(
  reader: EventReader,
  report: Report,
  progress: Progress,
  outside: AuditOutside,
): Promise<AuditSummary | null> {
  const audit = new MoneyAudit(report);
  const head = await reader.head();
  let after: Position | null = null;
  let events = 0;
  const readOn = async (until: Position | null): Promise<number> => {
    let brought = 0;
    if (until === null) return brought;
    while (!outside.signal.aborted && (after === null || after < until)) {
      const batch = await reader.readAll({ after, limit: READ_EVENTS });
      if (batch.length === 0) break;
      for (const event of batch) audit.recorded(event);
      brought += batch.length;
      after = batch.at(-1)!.position;
      events += batch.length;
      progress.update(events, `at ${after}`);
    }
    return brought;
  };
  progress.start(null);
  try {
    await readOn(head);
    let idle = 0;
    for (
      let look = 0;
      audit.unfinished && !outside.signal.aborted && look < LOOK_AGAIN_MAX && idle < IDLE_LOOKS_MAX;
      look++
    ) {
      await outside.pause(LOOK_AGAIN_MS);
      idle = (await readOn(await reader.head())) === 0 ? idle + 1 : 0;
    }
  } finally {
    progress.stop();
  }
  if (outside.signal.aborted) return null;
  return audit.finish(reader, await outside.engineNowMs());
}
