import type { EventReader } from '@livegift/event-store';
import { isDirectoryHeld } from '@livegift/event-store-lmdb';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.js';
import { progressOn } from '../progress.js';
import { auditLog } from './audit-log.js';
import { RULES, type Finding, type Report } from './finding.js';
import { openLog, verifyStorage } from './open-log.js';
import type { AuditSummary } from './money-audit.js';

interface AuditOptions {
  readonly dataDir: string;
  readonly json?: boolean;
}

export function addAudit(program: Command): void {
  const rules = Object.entries(RULES).map(([name, text]) => `  ${name.padEnd(20)} ${text}`);
  program
    .command('audit')
    .description('read the whole log again and check every rule of the money; the engine may be running')
    .option('--data-dir <dir>', "the engine's DATA_DIR", process.env['DATA_DIR'] ?? './data')
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
      const log = await openLog(options.dataDir, report);
      if (log !== null) {
        try {
          const isSound = await verifyStorage(log, report, progressOn(process.stderr, 'blocks', 'events'));
          const summary = isSound ? await readMoney(log, options.dataDir, report) : null;
          if (summary !== null) process.stdout.write(`${print.summary(summary, findings)}\n`);
          else process.stderr.write('livegift: the money is not checked, since not all of the log can be read\n');
        } finally {
          await log.close();
        }
      }
      if (findings > 0) process.exitCode = EXIT.finding;
    });
}

function readMoney(log: EventReader, dataDir: string, report: Report): Promise<AuditSummary> {
  return auditLog(log, report, progressOn(process.stderr, 'money', 'events'), {
    pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    engineNowMs: () => (isDirectoryHeld(dataDir, Date.now()) ? Date.now() : null),
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
