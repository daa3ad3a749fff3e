import type { HistorySpelling } from '@livegift/kernel';
import type { FastifyInstance } from 'fastify';
import { ProblemError } from './problem.js';

declare module 'fastify' {
  interface FastifyInstance {
    /** How this server tells positions and cursors to its clients. */
    readonly historySpelling: HistorySpelling;
  }
}

/** Lets the server tell the positions and cursors of this history from those of the one before a restore. */
export function speakOfHistory(server: FastifyInstance, spelling: HistorySpelling): void {
  server.decorate('historySpelling', spelling);
  if (spelling.generation === null) return;
  server.addHook('preSerialization', (_request, _reply, payload, done) => done(null, toldIn(spelling, payload)));
}

interface Answer {
  readonly position?: string | null;
  readonly nextCursor?: string | null;
  readonly items?: readonly unknown[];
}

/** The answer as clients see it: the same object while nothing was ever restored. */
export function toldIn<Told>(spelling: HistorySpelling, answer: Told): Told {
  if (spelling.generation === null || typeof answer !== 'object' || answer === null) return answer;
  const { position, nextCursor, items } = answer as Answer;
  const told: Record<string, unknown> = { ...(answer as object) };
  if (position) told['position'] = spelling.tell(position);
  if (nextCursor) told['nextCursor'] = spelling.tell(nextCursor);
  if (items !== undefined) told['items'] = items.map((item) => toldIn(spelling, item));
  return told as Told;
}

/**
 * The query with `after` and `cursor` as this process knows them. What is no position stays as it is, for the rules to
 * refuse. @throws ProblemError `history-changed`
 */
export function readPlaces(spelling: HistorySpelling, query: unknown): Readonly<Record<string, unknown>> {
  const { after, cursor } = query as Readonly<Record<string, unknown>>;
  const read: Record<string, unknown> = { ...(query as Readonly<Record<string, unknown>>) };
  if (typeof after === 'string') {
    const position = spelling.readPosition(after);
    if (position === 'other-history') throw historyChanged('after');
    if (position !== 'malformed') read['after'] = position;
  }
  if (typeof cursor === 'string') {
    read['cursor'] = spelling.read(cursor);
    if (read['cursor'] === null) throw historyChanged('cursor');
  }
  return read;
}

const historyChanged = (parameter: 'after' | 'cursor'): ProblemError =>
  new ProblemError(
    'history-changed',
    `${parameter} is from before a backup of the event store was restored; read again from the beginning`,
  );
