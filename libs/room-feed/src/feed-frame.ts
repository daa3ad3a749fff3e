import type { RoomFrame } from '@livegift/contracts';

/** One frame as JSON text, made once and shared by every connection that gets it. */
export interface FeedFrame {
  readonly type: RoomFrame['type'];
  /** Null where the frame has no id of its own. */
  readonly frameId: string | null;
  readonly json: string;
}

/** Puts frames into the bytes of one protocol. */
export type Encoding = (frames: readonly FeedFrame[]) => Uint8Array;

/** Frames that go out together. Each protocol's bytes are made once, however many connections they are written to. */
export class FrameBatch {
  readonly #encoded = new Map<Encoding, Uint8Array>();

  constructor(readonly frames: readonly FeedFrame[]) {}

  as(encoding: Encoding): Uint8Array {
    let bytes = this.#encoded.get(encoding);
    if (bytes === undefined) {
      bytes = encoding(this.frames);
      this.#encoded.set(encoding, bytes);
    }
    return bytes;
  }
}

export function frameOf(frame: RoomFrame): FeedFrame {
  const frameId = 'frameId' in frame ? frame.frameId : null;
  return { type: frame.type, frameId, json: JSON.stringify(frame) };
}

const GIFT_START = '{"type":"gift",';

/** A gift's frame is its message with the frame's id put in; nothing is serialised again. */
export function giftFrameOf(frameId: string, body: string): FeedFrame & { readonly frameId: string } {
  const json = body.startsWith(GIFT_START)
    ? `${GIFT_START}"frameId":${JSON.stringify(frameId)},${body.slice(GIFT_START.length)}`
    : JSON.stringify({ ...(JSON.parse(body) as object), frameId });
  return { type: 'gift', frameId, json };
}
