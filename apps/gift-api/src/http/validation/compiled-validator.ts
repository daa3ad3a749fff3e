import { fieldError, nameOf, pathOf, type FieldError } from '@livegift/contracts';
import { getMetadataStorage, ValidationTypes, type ValidationArguments } from 'class-validator';
import { ruleInWords, type DeclaredRule } from './rule-words.js';
import { numericFieldsOf, nestedClassOf, type BodyClass } from './nested.decorator.js';

/** Null when the value is valid. */
export type CompiledValidator = (value: unknown) => readonly FieldError[] | null;

/** The rule of a field that the class does not have. */
export const UNKNOWN_FIELD_RULE = 'unknownField';

/** Lists within lists deeper than this are no body of ours, and must not exhaust the stack. */
const LIST_DEPTH_MAX = 16;
/** Nobody reads more; a hostile body could have thousands. */
const ERRORS_MAX = 100;

type Metadata = ReturnType<ReturnType<typeof getMetadataStorage>['getTargetValidationMetadatas']>[number];
type Fields = Record<string, unknown>;

interface Rule {
  readonly rule: string;
  /** It in words, to follow the field's name. */
  readonly words: string;
}

interface Check extends Rule {
  passes(owner: object, value: unknown): boolean;
}

interface Field {
  readonly name: string;
  readonly conditions: readonly ((owner: object, value: unknown) => boolean)[];
  readonly checks: readonly Check[];
  /** Rule and class of a nested body. */
  readonly nested: { readonly rule: string; readonly compiled: CompiledClass } | null;
}

interface CompiledClass {
  readonly fields: readonly Field[];
  readonly names: ReadonlySet<string>;
}

/**
 * Compiles a class's class-validator decorators once into a closure over plain JSON objects: the same constraints, asked
 * in the same order with the same options, without making an instance or walking the metadata for each request
 * (ADR 0007). Fields that the class does not have are refused. A property test holds it equal to class-validator's own
 * `validate` with `whitelist` and `forbidNonWhitelisted`.
 *
 * @param at what paths begin with: `body`, `query`, …
 */
export function compileValidator(bodyClass: BodyClass, at: string): CompiledValidator {
  const compiled = compileClass(bodyClass);
  const notAnObject: readonly FieldError[] = [fieldError(at, 'isObject')];
  return (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return notAnObject;
    const errors = validateFields(compiled, value as Fields, at, null);
    return errors !== null && errors.length > ERRORS_MAX ? errors.slice(0, ERRORS_MAX) : errors;
  };
}

/** As `compileValidator`, for what arrives as text: fields declared as numbers are read as decimal digits first. */
export function compileTextValidator(bodyClass: BodyClass, at: string): CompiledValidator {
  const validate = compileValidator(bodyClass, at);
  const numeric = numericFieldsOf(bodyClass);
  return (value) => {
    const fields = value as Fields;
    for (const name of numeric) {
      const text = fields[name];
      if (typeof text === 'string' && /^-?\d{1,16}$/.test(text)) fields[name] = Number(text);
    }
    return validate(value);
  };
}

function validateFields(
  compiled: CompiledClass,
  value: Fields,
  path: string,
  errors: FieldError[] | null,
): FieldError[] | null {
  let found = errors;
  for (const name in value) {
    if (compiled.names.has(name)) continue;
    (found ??= []).push(fieldError(pathOf(path, name), UNKNOWN_FIELD_RULE));
    if (found.length > ERRORS_MAX) return found;
  }
  for (const field of compiled.fields) found = validateField(field, value, path, found);
  return found;
}

function validateField(field: Field, owner: Fields, path: string, errors: FieldError[] | null): FieldError[] | null {
  const value = owner[field.name];
  let found = errors;
  for (const condition of field.conditions) if (!condition(owner, value)) return found;
  for (const check of field.checks) {
    if (!check.passes(owner, value)) (found ??= []).push(brokenRule(`${path}.${field.name}`, check));
  }
  if (field.nested !== null && value !== undefined)
    found = validateNested(field, value, `${path}.${field.name}`, found);
  return found;
}

function validateNested(
  field: Field,
  value: unknown,
  path: string,
  errors: FieldError[] | null,
  depth = 0,
): FieldError[] | null {
  const { rule, compiled } = field.nested!;
  let found = errors;
  if (Array.isArray(value) && depth < LIST_DEPTH_MAX) {
    for (let i = 0; i < value.length && (found === null || found.length <= ERRORS_MAX); i++) {
      const item: unknown = value[i];
      if (item !== undefined) found = validateNested(field, item, `${path}.${i}`, found, depth + 1);
    }
    return found;
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return validateFields(compiled, value as Fields, path, found);
  }
  (found ??= []).push(brokenRule(path, { rule, words: 'must be a JSON object' }));
  return found;
}

const brokenRule = (path: string, { rule, words }: Rule): FieldError => ({
  path,
  rule,
  message: `${nameOf(path)} ${words}`,
});

function compileClass(bodyClass: BodyClass): CompiledClass {
  const storage = getMetadataStorage();
  const byName = storage.groupByPropertyName(storage.getTargetValidationMetadatas(bodyClass, '', false, false));
  const fields = Object.entries(byName).map(([name, metadatas]) => compileField(bodyClass, name, metadatas));
  return { fields, names: new Set(Object.keys(byName)) };
}

function compileField(bodyClass: BodyClass, name: string, metadatas: readonly Metadata[]): Field {
  const ofType = (type: string): readonly Metadata[] => metadatas.filter((metadata) => metadata.type === type);
  const [nested] = ofType(ValidationTypes.NESTED_VALIDATION);
  return {
    name,
    conditions: ofType(ValidationTypes.CONDITIONAL_VALIDATION).map(
      ({ constraints }) => constraints?.[0] as Field['conditions'][number],
    ),
    // Decorators are evaluated from the bottom up: reversed, errors come in the order in which the class is read.
    checks: inWords(
      [...ofType(ValidationTypes.IS_DEFINED), ...ofType(ValidationTypes.CUSTOM_VALIDATION).toReversed()].flatMap(
        (metadata) => compileChecks(bodyClass, metadata),
      ),
    ),
    nested:
      nested === undefined
        ? null
        : { rule: ValidationTypes.NESTED_VALIDATION, compiled: compileClass(nestedClassOf(bodyClass, name)) },
  };
}

type WordlessCheck = DeclaredRule & Pick<Check, 'passes'>;

function inWords(checks: readonly WordlessCheck[]): readonly Check[] {
  return checks.map((check) => ({ rule: check.rule, words: ruleInWords(check, checks), passes: check.passes }));
}

function compileChecks(bodyClass: BodyClass, metadata: Metadata): readonly WordlessCheck[] {
  return getMetadataStorage()
    .getTargetValidatorConstraints(metadata.constraintCls)
    .map((constraint) => {
      if (constraint.async) throw new Error(`${bodyClass.name}.${metadata.propertyName}: rules must not be async`);
      const { instance } = constraint;
      // One object for all calls: rules are synchronous and keep nothing of it.
      const args: ValidationArguments = {
        targetName: bodyClass.name,
        property: metadata.propertyName,
        object: {},
        value: undefined,
        constraints: metadata.constraints as unknown[],
      };
      const passesOne = (owner: object, value: unknown, item: unknown): boolean => {
        args.object = owner;
        args.value = value;
        return instance.validate(item, args) as boolean;
      };
      const { each, validateIf } = metadata;
      return {
        rule: constraint.name || metadata.type,
        constraints: args.constraints,
        ownMessage: typeof metadata.message === 'string' ? metadata.message : null,
        libraryMessage: instance.defaultMessage?.(args) ?? null,
        passes: (owner, value) => {
          if (validateIf !== undefined && !validateIf(owner, value)) return true;
          if (each && Array.isArray(value)) return value.every((item) => passesOne(owner, value, item));
          return passesOne(owner, value, value);
        },
      };
    });
}
