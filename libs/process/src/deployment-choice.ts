/** Whatever keeps what a deployment chooses once: the event store, in a cluster. */
export interface DeploymentChoices {
  /** What was first chosen under this name: `value`, if nobody was earlier. */
  firstChoice(name: string, value: string): Promise<string>;
}

/** A process chose otherwise than its deployment did. */
export class DeploymentChoiceError extends Error {
  override readonly name = 'DeploymentChoiceError';
}

/**
 * Holds `BOARD_UTC_OFFSET` against the one that this deployment was made with; the first process to come makes it.
 * @throws DeploymentChoiceError when they differ
 */
export async function keepBoardUtcOffset(choices: DeploymentChoices, boardUtcOffset: string): Promise<void> {
  const chosen = await choices.firstChoice('board-utc-offset', boardUtcOffset);
  if (chosen === boardUtcOffset) return;
  throw new DeploymentChoiceError(
    `BOARD_UTC_OFFSET is not the one that this event store was begun with (${chosen}): days and weeks of its ` +
      `leaderboards begin by it. Set it back, or start with another event store.`,
  );
}
