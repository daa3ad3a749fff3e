import type { Telemetry } from '@livegift/kernel';
import { breakOff, fail } from './fatal.js';

export interface Draining {
  readonly drainMsMax: number;
  readonly telemetry: Telemetry;
  /** Finishes what was begun and lets go of everything. */
  close(): Promise<void>;
}

/** Drains once on SIGTERM or SIGINT; a second one, or `drainMsMax`, cuts it short. */
export function drainOnSignal({ drainMsMax, telemetry, close }: Draining): void {
  let isDraining = false;
  const drain = (signal: NodeJS.Signals): void => {
    if (isDraining) breakOff();
    isDraining = true;
    telemetry.info('draining', { signal });
    const cut = setTimeout(() => {
      telemetry.error('draining took too long and was cut off', { drainMsMax });
      breakOff();
    }, drainMsMax);
    close().then(() => {
      clearTimeout(cut);
      process.exit(0);
    }, fail);
  };
  process.on('SIGTERM', drain);
  process.on('SIGINT', drain);
  // Started over a channel, as by `npm run cluster`: whoever started this has gone.
  process.once('disconnect', () => {
    if (!isDraining) drain('SIGTERM');
  });
}
