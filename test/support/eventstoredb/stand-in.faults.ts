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
  /** Of the next appends so many are written, and their call is ended in peace, without an answer. */
  appendCallsEnded: number;
  /** So many of the next calls to append over take everything, do nothing and say nothing. */
  appendCallsDead: number;
  /** Of the next appends so many are written, and answered as nothing that this version of the protocol knows. */
  answersEmpty: number;
  /** Of the next appends so many are written, and answered without the revision. */
  answersNowhere: number;
  /** Of the next appends so many are answered with the other form of their id, as a server does that makes it itself. */
  answersStructured: number;
  /** Of the next reads so many fail. */
  readsFailing: number;
  /** Of the next reads of `$all` from a position so many fail as 22.10.5 does for any reason. */
  readsErring: number;
  /** So many of the next subscriptions, once live, name a place that is none, as some 24.x do where nothing has passed. */
  checkpointsNowhere: number;
  /** So many of the next subscriptions, once live, name the event that they bring only then, as some 22.10.x do. */
  checkpointsAhead: number;
  /** Of the next refusals of a position so many do not say what is wrong with it, as 22.10.5 does. */
  positionsUnnamed: number;
}

export function noFaults(): StandInFaults {
  return {
    appendsUnanswered: 0,
    appendsHeldUp: 0,
    appendsRefused: 0,
    appendsLeaderless: 0,
    eventsTooLarge: 0,
    appendCallsEnded: 0,
    appendCallsDead: 0,
    answersEmpty: 0,
    answersNowhere: 0,
    answersStructured: 0,
    readsFailing: 0,
    readsErring: 0,
    checkpointsNowhere: 0,
    checkpointsAhead: 0,
    positionsUnnamed: 0,
  };
}

export function takeOne(faults: StandInFaults, name: keyof StandInFaults): boolean {
  if (faults[name] === 0) return false;
  faults[name]--;
  return true;
}
