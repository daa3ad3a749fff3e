import { ID_PATTERN, isId, isPosition, parseInstant } from '@livegift/kernel';
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
export const IsId = (): PropertyDecorator => rule('isId', isId, `an id (${ID_PATTERN.source})`, [ID_PATTERN]);

/** RFC 3339, UTC, with a `Z`. */
export const IsInstant = (): PropertyDecorator =>
  rule('isInstant', (value) => typeof value === 'string' && parseInstant(value) !== null, 'an RFC 3339 time in UTC');

export const IsPositionText = (): PropertyDecorator => rule('isPosition', isPosition, 'a position');

/**
 * Text that people write: whole characters only. Half a surrogate pair or a NUL would come back changed from some store
 * and then no longer be the same body.
 */
export const IsText = (): PropertyDecorator =>
  rule('isText', (value) => typeof value === 'string' && !/[\p{Surrogate}\0]/u.test(value), 'text of whole characters');

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
    (value) => typeof value === 'string' && /^https:\/\/[^\s@"<>\\^`{|}]+$/.test(value) && URL.canParse(value),
    'an https address',
  );
