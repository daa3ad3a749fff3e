import type { BulkGiftLine, LineAnswer } from '@livegift/contracts';

/** Sends gifts by the thousand: lines of one wallet in line order, different wallets side by side. */
export class BulkGifts {
  async send(
    _lines: readonly { readonly line: number; readonly body: BulkGiftLine }[],
    _correlationId: string,
  ): Promise<LineAnswer[]> {
    throw new Error('wanted');
  }
}
