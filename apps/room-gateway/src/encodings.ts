import type { FeedFrame } from '@livegift/room-feed';
import * as webSockets from 'ws';

const TEXT_FRAME = { fin: true, rsv1: false, opcode: 1, mask: false, readOnly: false } as const;

type FrameParts = (data: Buffer, options: typeof TEXT_FRAME) => Buffer[];

/** `Sender` is public in `ws`; its types leave it out. */
const { Sender } = webSockets as unknown as { readonly Sender: { readonly frame: FrameParts } };

/** One WebSocket text message a frame, all in one buffer. */
export function webSocketEncoding(frames: readonly FeedFrame[]): Uint8Array {
  return Buffer.concat(frames.flatMap(({ json }) => Sender.frame(Buffer.from(json), TEXT_FRAME)));
}

/** One server-sent event a frame. JSON has no raw line breaks, so one `data:` line carries it. */
export function sseEncoding(frames: readonly FeedFrame[]): Uint8Array {
  return Buffer.from(frames.map(sseEvent).join(''));
}

function sseEvent({ type, frameId, json }: FeedFrame): string {
  const id = frameId === null ? '' : `id: ${frameId}\n`;
  return `event: ${type}\n${id}data: ${json}\n\n`;
}
