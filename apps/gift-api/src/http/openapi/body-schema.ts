import { getMetadataStorage, ValidationTypes } from 'class-validator';
import { nestedClassOf, type BodyClass } from '../validation/nested.decorator.js';

/** JSON Schema 2020-12, as OpenAPI 3.1 takes it. */
export type JsonSchema = { readonly [keyword: string]: unknown };

type Constraints = readonly unknown[];

/** What each rule says as JSON Schema. A rule that is missing here would be an undocumented one, so it is an error. */
const RULES: Readonly<Record<string, (constraints: Constraints) => JsonSchema>> = {
  isId: ([pattern]) => ({ type: 'string', pattern: (pattern as RegExp).source }),
  isInt: () => ({ type: 'integer' }),
  isBoolean: () => ({ type: 'boolean' }),
  isText: () => ({ type: 'string' }),
  unknownEventType: () => ({ type: 'string', examples: ['GiftSent,DiamondsCredited'] }),
  isName: () => ({ type: 'string' }),
  isObject: () => ({ type: 'object' }),
  isInstant: () => ({ type: 'string', format: 'date-time', pattern: 'Z$' }),
  isPosition: () => ({ type: 'string', pattern: String.raw`^\d{16,40}$` }),
  isRegion: () => ({ type: 'string', pattern: '^[A-Z]{2}$', description: 'ISO 3166-1 alpha-2, or ZZ for unknown' }),
  isCurrency: () => ({ type: 'string', pattern: '^[A-Z]{3}$', description: 'ISO 4217' }),
  isHttpsUrl: () => ({ type: 'string', pattern: '^https://' }),
  min: ([minimum]) => ({ minimum }),
  max: ([maximum]) => ({ maximum }),
  maxLength: ([maxLength]) => ({ maxLength }),
  isLength: ([minLength, maxLength]) => ({ minLength, maxLength }),
  matches: ([pattern]) => ({ type: 'string', pattern: (pattern as RegExp).source }),
  isIn: ([values]) => ({ type: 'string', enum: values }),
  notEquals: ([value]) => ({ not: { const: value } }),
};

export interface FieldSchema {
  readonly name: string;
  readonly isRequired: boolean;
  readonly schema: JsonSchema;
}

/** The fields of a body or of query parameters, out of the same decorators that validate them. */
export function fieldsOf(bodyClass: BodyClass): readonly FieldSchema[] {
  const storage = getMetadataStorage();
  const byName = storage.groupByPropertyName(storage.getTargetValidationMetadatas(bodyClass, '', false, false));
  return Object.entries(byName).map(([name, metadatas]) => {
    const isNested = metadatas.some(({ type }) => type === ValidationTypes.NESTED_VALIDATION);
    const rules = metadatas
      .filter(({ type }) => type === ValidationTypes.CUSTOM_VALIDATION)
      .flatMap(({ constraintCls, constraints }) =>
        storage
          .getTargetValidatorConstraints(constraintCls)
          .map(({ name: rule }) => schemaOfRule(`${bodyClass.name}.${name}`, rule, (constraints ?? []) as Constraints)),
      );
    const isRequired = !metadatas.some(({ type }) => type === ValidationTypes.CONDITIONAL_VALIDATION);
    const nested = isNested ? schemaOfBody(nestedClassOf(bodyClass, name)) : {};
    return { name, isRequired, schema: Object.assign({}, ...rules.toReversed(), nested) as JsonSchema };
  });
}

/** A body as a schema: unknown fields are refused, and a field that may be left out may be null too. */
export function schemaOfBody(bodyClass: BodyClass): JsonSchema {
  const fields = fieldsOf(bodyClass);
  return {
    type: 'object',
    additionalProperties: false,
    required: fields.filter(({ isRequired }) => isRequired).map(({ name }) => name),
    properties: Object.fromEntries(
      fields.map(({ name, isRequired, schema }) => [name, isRequired ? schema : nullable(schema)]),
    ),
  };
}

export function nullable(schema: JsonSchema): JsonSchema {
  return { anyOf: [schema, { type: 'null' }] };
}

function schemaOfRule(field: string, rule: string, constraints: Constraints): JsonSchema {
  const schema = RULES[rule];
  if (schema === undefined) throw new Error(`${field}: the rule ${rule} has no JSON Schema in the API's description`);
  return schema(constraints);
}
