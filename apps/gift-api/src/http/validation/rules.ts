import { ID_PATTERN, isId, isPosition, parseInstant } from '@livegift/kernel';
import { EVENT_TYPES, isEventType } from '../../queries/event-types.js';
import { isISO31661Alpha2, isISO4217CurrencyCode, ValidateBy, type ValidationOptions } from 'class-validator';

/** Characters, counted as people do: a surrogate pair is one. */
const lengthOf = (text: string): number => {
  let length = 0;
  for (const _ of text) length++;
  return length;
};

function rule(
  name: string,
  passes: (value: unknown) => boolean,
  says: string,
  constraints: unknown[] = [],
  options?: ValidationOptions,
): PropertyDecorator {
  const validator = { validate: passes, defaultMessage: () => `$property must be ${says}` };
  return ValidateBy({ name, constraints, validator }, options);
}

/** An id of a viewer, creator, room or gift. */
export const IsId = (): PropertyDecorator =>
  rule('isId', isId, '1 to 64 of the characters A-Z, a-z, 0-9, ".", "_" and "-", and neither "." nor ".."', [
    ID_PATTERN,
  ]);

/** RFC 3339, UTC, with a `Z`. */
export const IsInstant = (): PropertyDecorator =>
  rule('isInstant', (value) => typeof value === 'string' && parseInstant(value) !== null, 'an RFC 3339 time in UTC');

export const IsPositionText = (): PropertyDecorator => rule('isPosition', isPosition, 'a position');

/**
 * What no text may hold. Half a surrogate pair would come back changed from some store and then no longer be the same body.
 * Control characters, line separators and formatting that reorders what stands around it (bidirectional embeddings,
 * overrides and isolates) would let a name or a message change how others are shown. Marks of direction stay: text that
 * is written from right to left needs them.
 */
const FORBIDDEN_IN_NAMES = /[\p{Cs}\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u;
const LINE_BREAKS_AND_TABS = /[\n\r\t]/g;
const VISIBLE = /[^\p{White_Space}\p{Default_Ignorable_Code_Point}]/u;

/** Text that people write, of several lines. */
export const IsText = (): PropertyDecorator =>
  rule(
    'isText',
    (value) => typeof value === 'string' && !FORBIDDEN_IN_NAMES.test(value.replace(LINE_BREAKS_AND_TABS, '')),
    'text without control characters and without characters that reorder text',
  );

/** A name or a title: one line, and something to see. */
export const IsName = (): PropertyDecorator =>
  rule(
    'isName',
    (value) => typeof value === 'string' && !FORBIDDEN_IN_NAMES.test(value) && VISIBLE.test(value),
    'one line of text that is not blank, without control characters and without characters that reorder text',
  );

export const MaxCharacters = (max: number): PropertyDecorator =>
  rule(
    'maxLength',
    (value) => typeof value === 'string' && (value.length <= max || lengthOf(value) <= max),
    `at most ${max} characters`,
    [max],
  );

/** ISO 3166-1 alpha-2 in capitals, or `ZZ` for unknown. */
export const IsRegion = (): PropertyDecorator =>
  rule(
    'isRegion',
    (value) => typeof value === 'string' && /^[A-Z]{2}$/.test(value) && (value === 'ZZ' || isISO31661Alpha2(value)),
    'ISO 3166-1 alpha-2, or ZZ',
  );

/** ISO 4217 in capitals. */
export const IsCurrency = (): PropertyDecorator =>
  rule(
    'isCurrency',
    (value) => typeof value === 'string' && /^[A-Z]{3}$/.test(value) && isISO4217CurrencyCode(value),
    'an ISO 4217 code',
  );

/** An address that a browser may load a picture from: https, no credentials. */
export const IsHttpsUrl = (): PropertyDecorator =>
  rule(
    'isHttpsUrl',
    (value) =>
      typeof value === 'string' && /^https:\/\/[^\s@"<>\\^`{|}\p{C}\p{Z}]+$/u.test(value) && URL.canParse(value),
    'an https address',
  );

/** Types of events between commas; one that no event has would be a list that is empty for ever. */
export const IsEventTypes = (): PropertyDecorator =>
  rule(
    'unknownEventType',
    (value) => typeof value === 'string' && value.split(',').every(isEventType),
    `types of events between commas: ${EVENT_TYPES.join(', ')}`,
  );
