interface Close {
  readonly code: number;
  /** Whether a client should connect again, with jitter. */
  readonly comesBack: boolean;
  /** Sent with the close; at most 123 bytes. */
  readonly reason: string;
}

/** Every code with which a server closes a room's WebSocket. The protocol adds 1002, 1007 and 1009 for broken messages. */
export const CLOSES = {
  serviceRestart: { code: 1012, comesBack: true, reason: 'Room cannot be streamed now; reconnect' },
  goingAway: { code: 4001, comesBack: true, reason: 'Server is shutting down; reconnect' },
  tooSlow: { code: 4008, comesBack: true, reason: 'Client reads too slowly; reconnect' },
  overloaded: { code: 4013, comesBack: true, reason: 'No place is left; reconnect later' },
  tooManyMessages: { code: 1008, comesBack: false, reason: 'Client sends too many messages' },
  noSuchRoom: { code: 4504, comesBack: false, reason: 'No such room' },
  roomClosed: { code: 4510, comesBack: false, reason: 'Room is closed' },
} as const satisfies Record<string, Close>;

export type CloseName = keyof typeof CLOSES;

/** As documents say it. */
export function closesInWords(): string {
  const listed = (comesBack: boolean): string =>
    Object.values<Close>(CLOSES)
      .filter((close) => close.comesBack === comesBack)
      .map(({ code, reason }) => `${code}: ${reason}`)
      .join('. ');
  return (
    `Close codes 1012 and 4000 to 4499 mean: connect again, with jitter (${listed(true)}). All others mean: do not ` +
    `(${listed(false)}; 1002, 1007 and 1009: the client broke the protocol).`
  );
}
