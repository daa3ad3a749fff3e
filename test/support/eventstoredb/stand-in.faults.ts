/** What a test may make go wrong. */
export interface StandInFaults {
  /** Of the next appends so many are written and then answered as a broken connection is. */
  appendsUnanswered: number;
  /** Of the next appends so many are written, and nothing is answered. */
  appendsHeldUp: number;
  /** Of the next appends so many are refused before anything is written, as by a server that is starting. */
  appendsRefused: number;
  /** Of the next appends so many are refused as by a node that knows of no leader. */
  appendsLeaderless: number;
  /** Of the next appends so many are refused as by a server with a small `MaxAppendEventSize`. */
  eventsTooLarge: number;
  /** Of the next reads so many fail. */
  readsFailing: number;
  /** So many of the next subscriptions, once live, name a place that is none, as some 24.x do where nothing has passed. */
  checkpointsNowhere: number;
  /** So many of the next subscriptions, once live, name the event that they bring only then, as some 22.10.x do. */
  checkpointsAhead: number;
}

export function noFaults(): StandInFaults {
  return {
    appendsUnanswered: 0,
    appendsHeldUp: 0,
    appendsRefused: 0,
    appendsLeaderless: 0,
    eventsTooLarge: 0,
    readsFailing: 0,
    checkpointsNowhere: 0,
    checkpointsAhead: 0,
  };
}

export function takeOne(faults: StandInFaults, name: keyof StandInFaults): boolean {
  if (faults[name] === 0) return false;
  faults[name]--;
  return true;
}
