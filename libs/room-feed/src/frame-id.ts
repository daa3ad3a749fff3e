import { isPosition, type Position } from '@livegift/kernel';

export interface FramePlace {
  /** The store's id. */
  readonly epoch: string;
  readonly position: Position;
}

export function frameIdOf(epoch: string, position: Position): string {
  return `${epoch}:${position}`;
}

/** What a client gives back to resume from; null when it never was a frame's id. */
export function parseFrameId(text: string): FramePlace | null {
  const colon = text.lastIndexOf(':');
  const position = text.slice(colon + 1);
  return colon > 0 && isPosition(position) ? { epoch: text.slice(0, colon), position } : null;
}
