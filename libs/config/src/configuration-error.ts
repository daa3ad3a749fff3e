export interface ConfigurationFault {
  readonly key: string;
  /** The class-validator rule that the value breaks. */
  readonly rule: string;
}

/** The environment cannot be used. Its message names keys and rules; values may be secrets and never appear. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';

  constructor(readonly faults: readonly ConfigurationFault[]) {
    super(`configuration: ${faults.map(({ key, rule }) => `${key} breaks the rule ${rule}`).join('; ')}`);
  }
}
