import { ASYNC_API } from './async-api.js';
import type { RoomFrame } from './frames.js';

/** Every frame type; a new one does not compile until it stands here. */
const FRAME_TYPES: Record<RoomFrame['type'], true> = {
  welcome: true,
  gift: true,
  'streak-ended': true,
  leaderboard: true,
  recovered: true,
  'room-closed': true,
  'keep-alive': true,
};

interface Document {
  readonly channels: Record<string, { readonly messages: Record<string, { readonly $ref: string }> }>;
  readonly components: {
    readonly messages: Record<string, { readonly payload: { readonly $ref: string } }>;
    readonly schemas: Record<string, { readonly properties: { readonly type?: { readonly const: string } } }>;
  };
}

describe('the AsyncAPI document', () => {
  const document = JSON.parse(JSON.stringify(ASYNC_API)) as Document;

  it('has a message for each frame type, on both channels', () => {
    for (const { messages } of Object.values(document.channels)) {
      expect(Object.keys(messages).sort()).toEqual(Object.keys(FRAME_TYPES).sort());
    }
  });

  it('refers to nothing that is not there, and each message has the schema of its type', () => {
    for (const [name, { payload }] of Object.entries(document.components.messages)) {
      const schema = document.components.schemas[payload.$ref.replace('#/components/schemas/', '')];
      expect(schema?.properties.type).toEqual({ const: name });
    }
    for (const [reference] of JSON.stringify(document).matchAll(/#\/[^"]+/g)) {
      const target = reference.slice(2).split('/').reduce<unknown>(step, document);
      expect([reference, target]).not.toEqual([reference, undefined]);
    }
  });
});

const step = (value: unknown, key: string): unknown => (value as Record<string, unknown> | undefined)?.[key];
