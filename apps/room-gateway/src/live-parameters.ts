import { fieldError, pathOf, type FieldError } from '@livegift/contracts';

const PARAMETERS: ReadonlySet<string> = new Set(['from', 'after']);

/** What is wrong with the parameters of a live room: one that is not known, or that is there twice; null: nothing. */
export function unknownParameter(query: Readonly<Record<string, unknown>>): FieldError | null {
  for (const [name, value] of Object.entries(query)) {
    const path = pathOf('query', name);
    if (!PARAMETERS.has(name)) return fieldError(path, 'unknownParameter');
    if (Array.isArray(value)) return fieldError(path, 'exactlyOne');
  }
  return null;
}

/** As Fastify reads a query. */
export function parametersOf(search: URLSearchParams): Readonly<Record<string, string | string[]>> {
  return Object.fromEntries(
    [...new Set(search.keys())].map((name) => {
      const values = search.getAll(name);
      return [name, values.length === 1 ? values[0]! : values];
    }),
  );
}
