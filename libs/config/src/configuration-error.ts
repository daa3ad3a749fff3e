export interface ConfigurationFault {
  readonly key: string;
  /** The class-validator rule that the value breaks. */
  readonly rule: string;
  /** The rule in words, with the key. */
  readonly message: string;
}

/** The environment cannot be used. Its message says each rule in words, with the key; values may be secrets and never appear. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';

  constructor(readonly faults: readonly ConfigurationFault[]) {
    super(`configuration: ${faults.map(({ message }) => message).join('; ')}`);
  }
}
