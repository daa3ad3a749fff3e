/** A part without which the server should not be sent requests. */
export interface ReadinessPart {
  readonly name: string;
  isReady(): boolean | Promise<boolean>;
}
