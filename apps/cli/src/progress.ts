import { SingleBar } from 'cli-progress';

/** How far a verb has got. Shown on stderr when that is a terminal, so that data and logs stay clean. */
export interface Progress {
  /** @param total null when nobody knows it */
  start(total: number | null): void;
  update(value: number, note: string): void;
  stop(): void;
}

export const silentProgress: Progress = { start: () => {}, update: () => {}, stop: () => {} };

/** @param unit what is counted: `rows`, `events` */
export function progressOn(stream: NodeJS.WriteStream, title: string, unit: string): Progress {
  if (!stream.isTTY) return silentProgress;
  let bar: SingleBar | null = null;
  return {
    start: (total) => {
      const counted = total === null ? `{value} ${unit}` : `[{bar}] {percentage}% | {value}/{total} ${unit}`;
      bar = new SingleBar({ format: `${title} ${counted} | {note}`, stream, hideCursor: true, fps: 10 });
      bar.start(total ?? 0, 0, { note: '' });
    },
    update: (value, note) => bar?.update(value, { note }),
    stop: () => bar?.stop(),
  };
}
