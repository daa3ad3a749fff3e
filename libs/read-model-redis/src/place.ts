import type { Position } from '@livegift/kernel';

/**
 * Where a member stands on a board. In the sorted set the score is the score, and the member is
 * `<inverted position>:<reachedAtMs>:<id>`: read from the highest score down, equal scores stand in the order in which
 * they were reached. In the hash of places, under the id, it is `<score>:<inverted position>:<reachedAtMs>`.
 */
export interface Place {
  readonly score: number;
  /** Inverted position and time: `9999999999999992:1778667630400`. */
  readonly reached: string;
}

export function placeText({ score, reached }: Place): string {
  return `${score}:${reached}`;
}

export function parsePlace(text: string): Place {
  const colon = text.indexOf(':');
  return { score: Number(text.slice(0, colon)), reached: text.slice(colon + 1) };
}

export function reachedText(position: Position, atMs: number): string {
  return `${invertDigits(position)}:${atMs}`;
}

export interface BoardMember {
  readonly id: string;
  readonly position: Position;
  readonly reachedAtMs: number;
}

/** A member of a board's sorted set. */
export function parseMember(text: string): BoardMember {
  const first = text.indexOf(':');
  const second = text.indexOf(':', first + 1);
  return {
    id: text.slice(second + 1),
    position: invertDigits(text.slice(0, first)) as Position,
    reachedAtMs: Number(text.slice(first + 1, second)),
  };
}

const CHUNK = 15;

/** 9 minus each digit, in pieces that a number holds exactly. Done twice it is the same again. */
export function invertDigits(digits: string): string {
  let inverted = '';
  for (let start = 0; start < digits.length; start += CHUNK) {
    const piece = digits.slice(start, start + CHUNK);
    inverted += String(10 ** piece.length - 1 - Number(piece)).padStart(piece.length, '0');
  }
  return inverted;
}
