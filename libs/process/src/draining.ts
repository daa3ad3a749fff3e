import type { Telemetry } from '@livegift/kernel';
import { breakOff, fail } from './fatal.js';

/** Ctrl-C reaches a process from the terminal and once more from npm or the nest CLI around it: that is one signal. */
const ONE_SIGNAL_MS = 500;

export interface Draining {
  readonly drainMsMax: number;
  readonly telemetry: Telemetry;
  /** Finishes what was begun and lets go of everything. */
  close(): Promise<void>;
}

/** Drains once on SIGTERM or SIGINT; a second one, or `drainMsMax`, cuts it short. */
export function drainOnSignal(draining: Draining): void {
  const { drainMsMax, telemetry } = draining;
  let isDraining = false;
  let isSame = true;
  const drain = (signal: NodeJS.Signals): void => {
    if (isDraining) {
      if (!isSame) breakOff();
      return;
    }
    isDraining = true;
    setTimeout(() => (isSame = false), ONE_SIGNAL_MS).unref();
    telemetry.info('draining', { signal });
    const cut = setTimeout(() => {
      telemetry.error('draining took too long and was cut off', { drainMsMax });
      breakOff();
    }, drainMsMax);
    draining.close().then(() => {
      clearTimeout(cut);
      process.exit(0);
    }, fail);
  };
  process.on('SIGTERM', drain);
  process.on('SIGINT', drain);
  // Started over a channel, as by `npm run cluster`: whoever started this has gone.
  process.once('disconnect', () => drain('SIGTERM'));
}
