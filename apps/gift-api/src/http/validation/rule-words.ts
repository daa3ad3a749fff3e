/** A rule of class-validator as a class declares it. */
export interface DeclaredRule {
  readonly rule: string;
  readonly constraints: readonly unknown[];
  /** What the class says where it declares the rule, with `$property`. */
  readonly ownMessage: string | null;
  /** What the library would say, with `$property`; null: nothing. */
  readonly libraryMessage: string | null;
}

/** The rules of one field that are about a number are said as one: whichever is broken, the field must be a whole number from … to …. */
const OF_NUMBERS: ReadonlySet<string> = new Set(['isInt', 'min', 'max']);

/** Says a rule in words that follow the field's name. `all` are all rules of the field. */
export function ruleInWords(declared: DeclaredRule, all: readonly DeclaredRule[]): string {
  const { rule, constraints, ownMessage, libraryMessage } = declared;
  if (ownMessage !== null) return withoutName(ownMessage);
  if (OF_NUMBERS.has(rule)) return numberInWords(all);
  switch (rule) {
    case 'isBoolean':
      return 'must be true or false';
    case 'isIn':
      return `must be one of ${(constraints[0] as readonly unknown[]).join(', ')}`;
    case 'isLength':
      return `must be ${count(constraints[0])} to ${count(constraints[1])} characters`;
    case 'isObject':
    case 'nestedValidation':
      return 'must be a JSON object';
    case 'isString':
      return 'must be text';
    case 'matches':
      return `must match ${String(constraints[0])}`;
  }
  return withoutName(libraryMessage ?? 'is not valid');
}

function numberInWords(all: readonly DeclaredRule[]): string {
  const bound = (rule: string): unknown => all.find((each) => each.rule === rule)?.constraints[0];
  const [min, max] = [bound('min'), bound('max')];
  if (min === undefined || max === undefined) return 'must be a whole number';
  return max === Number.MAX_SAFE_INTEGER
    ? `must be a whole number of at least ${count(min)}`
    : `must be a whole number from ${count(min)} to ${count(max)}`;
}

const count = (value: unknown): string => Number(value).toLocaleString('en-US');

const withoutName = (message: string): string => message.replace(/^\$property /, '');
