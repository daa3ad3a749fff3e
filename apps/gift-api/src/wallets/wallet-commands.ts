import { StreamCommands, type StreamCommandsOptions } from '@livegift/command-handling';
import {
  WALLET_STATE_VERSION,
  walletConfirmed,
  walletDeciderOf,
  type WalletCommand,
  type WalletEvent,
  type WalletRefusal,
  type WalletState,
} from '@livegift/domain';
import type { EventStore } from '@livegift/event-store';
import { generationOf, type Clock, type Ids, type Telemetry } from '@livegift/kernel';

export type WalletCommands = StreamCommands<WalletState, WalletCommand, WalletEvent, WalletRefusal>;

export function createWalletCommands(parts: {
  readonly store: EventStore;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly telemetry: Telemetry;
  readonly options: Partial<StreamCommandsOptions>;
}): WalletCommands {
  return new StreamCommands({
    ...parts,
    kind: {
      decider: walletDeciderOf(generationOf(parts.store.storeId)),
      stateVersion: WALLET_STATE_VERSION,
      confirmed: walletConfirmed,
    },
  });
}
