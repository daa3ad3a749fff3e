import type { CommandOutcome } from '@livegift/command-handling';
import type { LineAnswer } from '@livegift/contracts';
import type { Result } from './asked.js';

export function resultOf(outcome: CommandOutcome<object>): Result {
  if ('refused' in outcome) return { kind: 'refused', code: outcome.refused, details: outcome.details ?? null };
  const answer = outcome.answer as Readonly<Record<string, unknown>>;
  return {
    kind: 'accepted',
    answer,
    position: answer['position'] as string,
    giftId: (answer['giftId'] as string | undefined) ?? null,
    replayed: outcome.replayed,
    created: outcome.created,
  };
}

export function lineResult(answer: LineAnswer): Result {
  switch (answer.status) {
    case 'accepted':
    case 'replayed':
      return {
        kind: 'accepted',
        answer: null,
        position: answer.position ?? null,
        giftId: answer.giftId ?? null,
        replayed: answer.status === 'replayed',
        created: null,
      };
    case 'retry':
      return { kind: 'failed', code: 'retry' };
    case 'refused':
    case 'invalid':
      return { kind: 'refused', code: answer.code ?? answer.status, details: null };
  }
}

export function tell(result: Result): string {
  switch (result.kind) {
    case 'accepted':
      return `${result.replayed ? 'replayed' : 'accepted'} at ${result.position?.slice(-6)}`;
    case 'refused':
      return `refused ${result.code}`;
    case 'failed':
      return `failed ${result.code}`;
    case 'lost':
      return 'lost';
  }
}
