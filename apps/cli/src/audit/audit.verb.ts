import type { EventReader } from '@livegift/event-store';
import { isDirectoryHeld } from '@livegift/event-store-lmdb';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.js';
import { progressOn } from '../progress.js';
import { auditLog } from './audit-log.js';
import { RULES, type Finding, type Report } from './finding.js';
import { openLog, openServerLog, verifyStorage } from './open-log.js';
import type { AuditSummary } from './money-audit.js';

interface AuditOptions {
  readonly dataDir: string;
  readonly eventStore?: string;
  readonly json?: boolean;
}

export function addAudit(program: Command): void {
  const rules = Object.entries(RULES).map(([name, text]) => `  ${name.padEnd(20)} ${text}`);
  program
    .command('audit')
    .description('read the whole log again and check every rule of the money; the engine may be running')
    .option('--data-dir <dir>', "the engine's DATA_DIR", process.env['DATA_DIR'] ?? './data')
    .option('--event-store <esdb://…>', 'audit an EventStoreDB instead; default with PROFILE=cluster: EVENTSTORE_URL')
    .option('--json', 'one JSON object a line: each finding, then { "summary": … }')
    .addHelpText(
      'after',
      `\nRules:\n${rules.join('\n')}\n\nExits 1 if there is a finding. Findings are printed as they are met.`,
    )
    .action(async (options: AuditOptions) => {
      const print = options.json === true ? asJson : asText;
      let findings = 0;
      const report = (finding: Finding): void => {
        findings += 1;
        process.stdout.write(`${print.finding(finding)}\n`);
      };
      const summary = await summaryOf(options, report);
      if (summary !== null) process.stdout.write(`${print.summary(summary, findings)}\n`);
      if (findings > 0) process.exitCode = EXIT.finding;
    });
}

/** Null when not all of the log can be read; each reason is a finding. */
async function summaryOf(options: AuditOptions, report: Report): Promise<AuditSummary | null> {
  const eventStore = options.eventStore ?? (process.env['PROFILE'] === 'cluster' ? process.env['EVENTSTORE_URL'] : '');
  if (eventStore !== undefined && eventStore !== '') return await auditServer(eventStore, report);
  return await auditDirectory(options.dataDir, report);
}

/** The server keeps its own bytes sound. Who else writes to it cannot be seen from here: somebody may. */
async function auditServer(connectionString: string, report: Report): Promise<AuditSummary> {
  const log = await openServerLog(connectionString);
  try {
    return await readMoney(log, report, async () => Date.now());
  } finally {
    await log.close();
  }
}

async function auditDirectory(dataDir: string, report: Report): Promise<AuditSummary | null> {
  const log = await openLog(dataDir, report);
  if (log === null) return cannotBeRead();
  try {
    const isSound = await verifyStorage(log, report, progressOn(process.stderr, 'blocks', 'events'));
    if (!isSound) return cannotBeRead();
    return await readMoney(log, report, async () => ((await isDirectoryHeld(dataDir, Date.now())) ? Date.now() : null));
  } finally {
    await log.close();
  }
}

function cannotBeRead(): null {
  process.stderr.write('livegift: the money is not checked, since not all of the log can be read\n');
  return null;
}

function readMoney(log: EventReader, report: Report, engineNowMs: () => Promise<number | null>): Promise<AuditSummary> {
  return auditLog(log, report, progressOn(process.stderr, 'money', 'events'), {
    pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    engineNowMs,
  });
}

const asJson = {
  finding: (finding: Finding): string => JSON.stringify(finding),
  summary: (summary: AuditSummary, findings: number): string => JSON.stringify({ summary: { ...summary, findings } }),
};

const asText = {
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
