import type { RecordedEvent } from '@livegift/kernel';
import { isEventOf, type Asked, type Attempt, type Result, type Wish } from './asked.js';
import type { LogIndex } from './log-index.js';
import type { Platform } from './platform.js';
import type { Scenario } from './scenario.js';

/** Holds what the platform was told against the log. That no key acts twice, the naive ledger has seen to. */
export function auditCommands(platform: Platform, index: LogIndex, bounds: Scenario['bounds']): string[] {
  const findings = [...platform.findings];
  const say = (asked: Asked, what: string): void => void findings.push(`${asked.toString()}: ${what}`);
  const byKey = commandsByKey(index);
  for (const asked of platform.asked) {
    if (!asked.settled) say(asked, 'was never settled');
    const written = byKey.get(`${asked.stream} ${asked.key}`) ?? [];
    auditAccepted(asked, index, say);
    auditStaleness(asked, index, bounds.referenceStalenessMs, say);
    if (asked.surelyRefused && written.some((event) => isEventOf(asked, event)))
      say(asked, 'was refused, and is there');
    for (const attempt of asked.attempts) auditRefusal(asked, attempt, index, written, say);
  }
  auditLineOrder(platform, findings);
  auditImportOrder(platform, index, findings);
  return findings;
}

/** The last event of each command that came with a key, by stream and key. */
function commandsByKey(index: LogIndex): Map<string, RecordedEvent[]> {
  const commands = new Map<string, RecordedEvent[]>();
  for (const [stream, events] of index.streams) {
    // A claim carries the key of the purchase that it stands for; the key belongs to the wallet.
    if (stream.startsWith('payment-') || stream.startsWith('import-')) continue;
    for (const event of events) {
      const key = event.metadata.idempotencyKey;
      if (key === undefined) continue;
      const name = `${stream} ${key}`;
      commands.set(name, [...(commands.get(name) ?? []), event]);
    }
  }
  return commands;
}

function auditAccepted(asked: Asked, index: LogIndex, say: (asked: Asked, what: string) => void): void {
  const { accepted, key } = asked;
  if (accepted === null) return;
  const event = accepted.position === null ? undefined : index.at(accepted.position);
  if (event === undefined) return say(asked, `was accepted at ${accepted.position}, where nothing is`);
  if (!isEventOf(asked, event)) return say(asked, `was accepted at ${accepted.position}, where something else is`);
  // Without a key, what changed nothing left no event.
  if (key !== null && event.metadata.idempotencyKey !== key) say(asked, 'was accepted, and its key is not remembered');
  const all = asked.attempts.flatMap(({ result }) => (result.kind === 'accepted' ? [result] : []));
  for (const result of all) auditAnswer(asked, event, result, say);
  const carriedOut = all.filter(({ replayed }) => !replayed).length;
  if (carriedOut > 1) say(asked, `was carried out ${carriedOut} times, by its answers`);
  const answers = all.flatMap(({ answer, created }) => (answer === null ? [] : [JSON.stringify({ created, answer })]));
  const other = answers.find((answer) => answer !== answers[0]);
  if (other !== undefined) say(asked, `a replay has another answer: ${other}, not ${answers[0]}`);
}

const TOLD_AS_LOGGED = ['coins', 'diamonds', 'balance', 'purchaseId', 'creatorId', 'quantity'] as const;

function auditAnswer(
  asked: Asked,
  event: RecordedEvent,
  { answer, giftId, position }: Extract<Result, { kind: 'accepted' }>,
  say: (asked: Asked, what: string) => void,
): void {
  const data = event.data as Readonly<Record<string, unknown>>;
  if (position !== event.position) say(asked, `was told position ${position}, and ${event.position}`);
  if (giftId !== null && giftId !== data['giftId'])
    say(asked, `was told gift ${giftId}, the log says ${JSON.stringify(data['giftId'])}`);
  if (answer === null || (asked.wish.kind !== 'gift' && asked.wish.kind !== 'purchase')) return;
  for (const field of TOLD_AS_LOGGED) {
    if (data[field] !== undefined && answer[field] !== data[field]) {
      say(asked, `was told ${field} ${JSON.stringify(answer[field])}, the log says ${JSON.stringify(data[field])}`);
    }
  }
}

/** A room that was closed for longer than what is known of it may be old takes no gift any more. */
function auditStaleness(
  asked: Asked,
  index: LogIndex,
  stalenessMs: number,
  say: (asked: Asked, what: string) => void,
): void {
  const { wish, accepted } = asked;
  const position = accepted?.position ?? null;
  if (wish.kind !== 'gift' || position === null) return;
  const closed = index.stream(`room-${wish.roomId}`).find(isClosed);
  const first = asked.attempts[0]!.began;
  if (closed === undefined || closed.position > position) return;
  const closedAtMs = index.durableAtMs(closed);
  if (first.atMs > closedAtMs + stalenessMs)
    say(asked, `was accepted ${first.atMs - closedAtMs} ms after its room closed`);
}

/** From this event of its stream on a room takes no live gifts; one that history opened never did. */
const isClosed = ({ type, data }: RecordedEvent): boolean =>
  type === 'RoomClosed' || (type === 'RoomOpened' && (data as { readonly imported: boolean }).imported);

/** A refusal must have been true at some moment between the question and its answer. */
function auditRefusal(
  asked: Asked,
  attempt: Attempt,
  index: LogIndex,
  written: readonly RecordedEvent[],
  say: (asked: Asked, what: string) => void,
): void {
  const { result, began, ended } = attempt;
  if (result.kind !== 'refused') return;
  const untrue = (why: string): void => say(asked, `was refused with ${result.code}, but ${why}`);
  const seen = (event: RecordedEvent): boolean => Number(event.position) <= ended.logLength;
  const before = (event: RecordedEvent): boolean => Number(event.position) <= began.logLength;
  const { wish } = asked;
  const known = written.filter(before);
  if (known.some((event) => isEventOf(asked, event))) return untrue('it had been accepted before');
  if (known.length > 0 && result.code !== 'idempotency-key-reused') return untrue('its key had been used');
  switch (result.code) {
    case 'wallet-not-found': {
      const viewerId =
        wish.kind === 'gift'
          ? wish.body.viewerId
          : wish.kind === 'purchase' || wish.kind === 'change-details'
            ? wish.viewerId
            : '';
      if (index.stream(`wallet-${viewerId}`).some(before)) untrue('the wallet was there');
      return;
    }
    case 'room-not-found':
      if (wish.kind === 'gift' && index.stream(`room-${wish.roomId}`).some(before)) untrue('the room was there');
      return;
    case 'room-closed':
      if (
        wish.kind === 'gift' &&
        !index.stream(`room-${wish.roomId}`).some((event) => isClosed(event) && seen(event))
      ) {
        untrue('the room was open');
      }
      return;
    case 'balance-too-low':
      if (wish.kind === 'gift') auditBalance(wish, attempt, index, untrue);
      return;
    case 'payment-already-used': {
      const claim = index.log.find(
        ({ type, data }) =>
          type === 'PaymentClaimed' &&
          wish.kind === 'purchase' &&
          (data as { paymentId: string }).paymentId === wish.body.paymentId,
      );
      if (claim === undefined || !seen(claim)) untrue('the payment was not used');
      else if (
        claim.metadata.idempotencyKey === asked.key &&
        claim.data !== null &&
        (claim.data as { viewerId: string }).viewerId === (wish as { viewerId?: string }).viewerId
      ) {
        untrue('it was this very purchase that used it');
      }
      return;
    }
    case 'idempotency-key-reused':
      if (!written.some((event) => seen(event) && !isEventOf(asked, event))) untrue('nothing else has its key');
      return;
    case 'import-id-reused':
      if (wish.kind === 'import' && !index.stream(`import-${wish.body.importId}`).some(seen)) untrue('the id was free');
      return;
    default:
  }
}

/** With coins in the wallet at every moment, a gift cannot be too dear. */
function auditBalance(
  wish: Extract<Wish, { kind: 'gift' }>,
  { began, ended, result }: Attempt,
  index: LogIndex,
  untrue: (why: string) => void,
): void {
  let balance = 0;
  const balances: number[] = [];
  for (const event of index.stream(`wallet-${wish.body.viewerId}`)) {
    const place = Number(event.position);
    if (place > ended.logLength) break;
    if (place > began.logLength && balances.length === 0) balances.push(balance);
    balance = (event.data as { balance?: number }).balance ?? balance;
    if (place > began.logLength) balances.push(balance);
  }
  if (balances.length === 0) balances.push(balance);
  const details = result.kind === 'refused' ? result.details : null;
  if (details !== null && !balances.includes(details['balance'] as number)) {
    untrue(`the balance was ${balances.join(', ')}, not ${String(details['balance'])}`);
  }
  if (details !== null && (details['required'] as number) <= (details['balance'] as number)) untrue('it was enough');
}

/** What one request newly brought in stands in the log in the order of its lines: of each wallet, or of all for history. */
function auditLineOrder(platform: Platform, findings: string[]): void {
  for (const { kind, lines } of platform.requests) {
    const last = new Map<string, string>();
    for (const { asked, result } of lines) {
      if (result.kind !== 'accepted' || result.replayed || result.position === null) continue;
      const order = kind === 'import' ? 'history' : asked.stream;
      if (result.position <= (last.get(order) ?? '')) {
        findings.push(`out of line order: ${asked.toString()} at ${result.position}`);
      }
      last.set(order, result.position);
    }
  }
}

/** What an import brings into the log stands there in the order of its lines, whoever finished it. */
function auditImportOrder(platform: Platform, index: LogIndex, findings: string[]): void {
  const requests = new Map(platform.imports.map(({ correlationId, importIds }) => [correlationId, importIds]));
  const last = new Map<string, number>();
  for (const { type, data, metadata, position } of index.log) {
    if (type !== 'GiftSent') continue;
    const { $correlationId } = metadata;
    const line = requests.get($correlationId)?.indexOf((data as { importId: string }).importId);
    if (line === undefined) continue;
    if (line <= (last.get($correlationId) ?? -1)) {
      findings.push(`out of line order: line ${line + 1} of an import stands at ${position}`);
    }
    last.set($correlationId, line);
  }
}
