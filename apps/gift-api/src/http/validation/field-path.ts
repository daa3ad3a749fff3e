/** Names come from the request: a long one is cut, so that an error is never as long as the body. */
const NAME_SHOWN_MAX = 64;

/** `body.price.currency` */
export function pathOf(at: string, ...names: readonly string[]): string {
  return [at, ...names.map(shown)].join('.');
}

function shown(name: string): string {
  if (name.length <= NAME_SHOWN_MAX) return name;
  // Never half of a surrogate pair.
  return `${name.slice(0, NAME_SHOWN_MAX).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
