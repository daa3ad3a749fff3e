import { Type } from 'class-transformer';
import { ValidateNested } from 'class-validator';
import 'reflect-metadata';

export type BodyClass = new () => object;

const NESTED_CLASS = Symbol('nested class');
const NUMERIC_FIELDS = Symbol('numeric fields');

/** A field that is a body of its own: validated as one by class-validator and by its compiled form. */
export function Nested(bodyClass: () => BodyClass): PropertyDecorator {
  return (target, name) => {
    ValidateNested()(target, name);
    Type(bodyClass)(target, name);
    Reflect.defineMetadata(NESTED_CLASS, bodyClass, target, name);
  };
}

export function nestedClassOf(owner: BodyClass, name: string): BodyClass {
  const bodyClass = Reflect.getMetadata(NESTED_CLASS, owner.prototype as object, name) as (() => BodyClass) | undefined;
  if (bodyClass === undefined) throw new Error(`${owner.name}.${name}: use @Nested for a nested body`);
  return bodyClass();
}

/** A number that arrives as text, in a query string. */
export function NumberFromText(): PropertyDecorator {
  return (target, name) => {
    const names = (Reflect.getMetadata(NUMERIC_FIELDS, target) as readonly string[] | undefined) ?? [];
    Reflect.defineMetadata(NUMERIC_FIELDS, [...names, name as string], target);
  };
}

export function numericFieldsOf(owner: BodyClass): readonly string[] {
  return (Reflect.getMetadata(NUMERIC_FIELDS, owner.prototype as object) as readonly string[] | undefined) ?? [];
}
