/** The part of cli-progress that we use; it ships without types. */
declare module 'cli-progress' {
  export interface BarOptions {
    readonly format: string;
    readonly stream: NodeJS.WritableStream;
    readonly etaBuffer?: number;
    readonly clearOnComplete?: boolean;
    readonly hideCursor?: boolean;
    readonly fps?: number;
  }
  export class SingleBar {
    constructor(options: BarOptions);
    start(total: number, value: number, payload?: Record<string, unknown>): void;
    update(value: number, payload?: Record<string, unknown>): void;
    setTotal(total: number): void;
    stop(): void;
  }
}
