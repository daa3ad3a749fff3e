import { hashBody, type Cause, type CommandContext } from '@livegift/command-handling';

/** @param canonicalBody the command's name and its body after defaults: equal for what must count as the same */
export function causeOf(context: CommandContext, canonicalBody: string): Cause {
  const { idempotencyKey, correlationId } = context;
  // A command without a key leaves no hash either.
  return { idempotencyKey, bodyHash: idempotencyKey === null ? null : hashBody(canonicalBody), correlationId };
}
