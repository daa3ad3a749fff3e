export function isWhole(value: unknown, min: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= min;
}

/** What is no whole number was reported already; it must not stop the audit. */
export function wholeOrNone(value: number): bigint {
  return Number.isSafeInteger(value) ? BigInt(value) : 0n;
}
