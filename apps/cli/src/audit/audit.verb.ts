import type { EventReader } from '@livegift/event-store';
import { isDirectoryHeld } from '@livegift/event-store-lmdb';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.js';
import { interruptible } from '../interruption.js';
import { progressOn } from '../progress.js';
import { addSourceOptions, chosenSource } from '../source/source-options.js';
import type { LogSource, SourceFlags } from '../source/log-source.js';
import { auditLog } from './audit-log.js';
import { RULES, type Finding, type Report } from './finding.js';
import { isDamaged, openLog, openServerLog, reportDamage, verifyStorage } from './open-log.js';
import type { AuditSummary } from './money-audit.js';

interface AuditOptions extends SourceFlags {
  readonly json?: boolean;
}

const EXAMPLES = `
Findings are printed as they are found. Exits 1 when there is one.

Examples:
  livegift audit
  livegift audit --data-dir /var/lib/livegift --json
  PROFILE=cluster EVENTSTORE_URL=esdb://store:2113 livegift audit`;

export function addAudit(program: Command): void {
  const rules = Object.entries(RULES).map(([name, text]) => `  ${name.padEnd(20)} ${text}`);
  const verb = program
    .command('audit')
    .description('read the whole log again and check every rule of the money; the engine may be running')
    .option('--json', 'one JSON object a line: each finding, then { "summary": … }')
    .addHelpText('after', `\nRules:\n${rules.join('\n')}\n${EXAMPLES}`)
    .action(async (options: AuditOptions) => {
      const source = chosenSource(options, 'auditing');
      await interruptible((signal) => audit(source, options.json === true ? asJson : asText, signal));
    });
  addSourceOptions(verb);
}

async function audit(source: LogSource, print: Print, signal: AbortSignal): Promise<void> {
  let findings = 0;
  const report = (finding: Finding): void => {
    findings += 1;
    process.stdout.write(`${print.finding(finding)}\n`);
  };
  const summary = await summaryOf(source, { report, signal });
  if (signal.aborted) process.stderr.write(`livegift: interrupted; ${findings} findings in what was read so far\n`);
  if (summary !== null) process.stdout.write(`${print.summary(summary, findings)}\n`);
  if (findings > 0) process.exitCode = EXIT.finding;
}

interface Run {
  readonly report: Report;
  readonly signal: AbortSignal;
}

/** Null when not all of the log was read: it is damaged, which is a finding, or the audit was interrupted. */
async function summaryOf(source: LogSource, run: Run): Promise<AuditSummary | null> {
  if (source.kind === 'server') return await auditServer(source.connectionString, run);
  return await auditDirectory(source.directory, run);
}

/** The server keeps its own bytes sound. Whether an engine writes to it cannot be seen from here, so one may. */
async function auditServer(connectionString: string, run: Run): Promise<AuditSummary | null> {
  const log = await openServerLog(connectionString);
  try {
    return await readMoney(log, run, async () => Date.now());
  } finally {
    await log.close();
  }
}

async function auditDirectory(dataDir: string, run: Run): Promise<AuditSummary | null> {
  const log = await openLog(dataDir, run.report);
  if (log === null) return cannotBeRead();
  try {
    const isSound = await verifyStorage(log, run.report, progressOn(process.stderr, 'blocks', 'events'), run.signal);
    if (run.signal.aborted) return null;
    if (!isSound) return cannotBeRead();
    return await readMoney(log, run, async () => ((await isDirectoryHeld(dataDir, Date.now())) ? Date.now() : null));
  } catch (error) {
    if (!isDamaged(error)) throw error;
    reportDamage(error.message, null, run.report);
    return cannotBeRead();
  } finally {
    await log.close();
  }
}

function cannotBeRead(): null {
  process.stderr.write('livegift: the data is damaged, so the money was not checked; restore a backup\n');
  return null;
}

function readMoney(
  log: EventReader,
  { report, signal }: Run,
  engineNowMs: () => Promise<number | null>,
): Promise<AuditSummary | null> {
  return auditLog(log, report, progressOn(process.stderr, 'money', 'events'), {
    signal,
    pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    engineNowMs,
  });
}

interface Print {
  finding(finding: Finding): string;
  summary(summary: AuditSummary, findings: number): string;
}

const asJson: Print = {
  finding: (finding: Finding): string => JSON.stringify(finding),
  summary: (summary: AuditSummary, findings: number): string => JSON.stringify({ summary: { ...summary, findings } }),
};

const asText: Print = {
  finding: ({ rule, stream, revision, position, detail }: Finding): string => {
    const place = [stream, revision === null ? null : `revision ${revision}`, position].filter((part) => part !== null);
    return `FINDING ${rule}: ${detail}${place.length === 0 ? '' : `  (${place.join(', ')})`}`;
  },
  summary: (summary: AuditSummary, findings: number): string =>
    [
      `${summary.events} events: ${summary.wallets} wallets, ${summary.creators} creators, ${summary.rooms} rooms, ${summary.gifts} gifts`,
      `coins: ${summary.coinsBought} bought = ${summary.coinsHeld} held + ${summary.coinsSpent} spent`,
      `diamonds: ${summary.diamondsEarned} earned, ${summary.diamondsCredited} credited; platform ${summary.platformDiamonds}`,
      ...(summary.giftsNotYetCredited > 0
        ? [`${summary.giftsNotYetCredited} of the newest gifts are not credited yet`]
        : []),
      ...(summary.claimsNotYetFinished > 0
        ? [`${summary.claimsNotYetFinished} of the newest claims are not finished yet`]
        : []),
      findings === 0 ? 'No finding.' : `${findings} findings.`,
    ].join('\n'),
};
