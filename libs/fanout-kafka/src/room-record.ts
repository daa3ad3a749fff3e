import type { RoomMessage } from '@livegift/fanout';
import { isPosition, type Position } from '@livegift/kernel';
import type { IHeaders, KafkaMessage, Message } from 'kafkajs';

const SOURCE_PREFIX = '/livegift/';
const TYPE_PREFIX = 'livegift.';
const TYPE_SUFFIX = '.v1';
const TYPES = ['gift-sent', 'room-opened', 'room-closed'] as const satisfies readonly RoomMessage['type'][];

/** Headers that no message differs in, made once. */
const SPEC_VERSION = Buffer.from('1.0');
const JSON_TYPE = Buffer.from('application/json');
const CE_TYPES = Object.fromEntries(
  TYPES.map((type) => [type, Buffer.from(`${TYPE_PREFIX}${type}${TYPE_SUFFIX}`)]),
) as Record<RoomMessage['type'], Buffer>;
const TYPE_OF = new Map(TYPES.map((type) => [`${TYPE_PREFIX}${type}${TYPE_SUFFIX}`, type]));

/** A room message as a record in CloudEvents 1.0 binary mode; `previous` is the position of the one before it here. */
export interface RoomRecord {
  readonly message: RoomMessage;
  /** Null: the first of its partition, and nothing was said of where that begins. */
  readonly previous: Position | null;
}

/** Makes records for one source partition, which is the Kafka partition of the same number. */
export class RoomRecords {
  #storeId = '';
  #source: Buffer = Buffer.alloc(0);

  constructor(private readonly partition: number) {}

  of({ message, previous }: RoomRecord, timestamp: string): Message {
    if (message.storeId !== this.#storeId) {
      this.#storeId = message.storeId;
      this.#source = Buffer.from(`${SOURCE_PREFIX}${message.storeId}`);
    }
    const headers: IHeaders = {
      ce_specversion: SPEC_VERSION,
      ce_id: message.id,
      ce_type: CE_TYPES[message.type],
      ce_source: this.#source,
      ce_time: message.occurredAt,
      ce_subject: message.roomId,
      ce_sequence: message.position,
      'content-type': JSON_TYPE,
    };
    if (previous !== null) headers['ce_previous'] = previous;
    return { key: message.roomId, value: message.body, headers, partition: this.partition, timestamp };
  }
}

/** Null for a record that no publisher of ours wrote. */
export function roomRecordOf({ value, headers }: KafkaMessage): RoomRecord | null {
  const type = TYPE_OF.get(text(headers, 'ce_type'));
  const source = text(headers, 'ce_source');
  const position = text(headers, 'ce_sequence');
  if (type === undefined || value === null || !source.startsWith(SOURCE_PREFIX) || !isPosition(position)) return null;
  const previous = text(headers, 'ce_previous');
  return {
    message: {
      type,
      id: text(headers, 'ce_id'),
      roomId: text(headers, 'ce_subject'),
      storeId: source.slice(SOURCE_PREFIX.length),
      position,
      occurredAt: text(headers, 'ce_time'),
      body: value.toString(),
    },
    previous: isPosition(previous) ? previous : null,
  };
}

function text(headers: IHeaders | undefined, name: string): string {
  const value = headers?.[name];
  return value === undefined || Array.isArray(value) ? '' : value.toString();
}
