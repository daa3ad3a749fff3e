import { resolve } from 'node:path';
import { describeSource, directorySource, logSource, type SourceFlags, type Variables } from './log-source.js';

const SERVER = 'esdb://me:hidden@store:2113?tls=false';
const given = (flags: SourceFlags, variables: Variables = {}): string => describeSource(logSource(flags, variables));
const directory = (path: string): string => resolve(path);

describe('the log that a verb works on', () => {
  it.each<[string, SourceFlags, Variables, string]>([
    ['the default directory', {}, {}, `${directory('data')} (the default of DATA_DIR)`],
    ['DATA_DIR', {}, { DATA_DIR: '/d' }, '/d (DATA_DIR)'],
    ['--data-dir before DATA_DIR', { dataDir: '/e' }, { DATA_DIR: '/d' }, '/e (--data-dir)'],
    ['--data-dir before a cluster', { dataDir: '/e' }, { PROFILE: 'cluster' }, '/e (--data-dir)'],
    ['the server of a cluster', {}, { PROFILE: 'cluster', EVENTSTORE_URL: SERVER, DATA_DIR: '/d' }, `(EVENTSTORE_URL)`],
    ['--event-store before DATA_DIR', { eventStore: SERVER }, { DATA_DIR: '/d' }, '(--event-store)'],
    ['PROFILE=embedded beside a server', {}, { PROFILE: 'embedded', EVENTSTORE_URL: SERVER, DATA_DIR: '/d' }, '/d (D'],
  ])('is chosen by: %s', (_, flags, variables, expected) => {
    expect(given(flags, variables)).toContain(expected);
  });

  it.each<[string, SourceFlags, Variables, RegExp]>([
    ['a cluster without its server', {}, { PROFILE: 'cluster' }, /needs EVENTSTORE_URL/],
    ['a cluster with an empty server', {}, { PROFILE: 'cluster', EVENTSTORE_URL: '' }, /needs EVENTSTORE_URL/],
    ['a server without a profile', {}, { EVENTSTORE_URL: SERVER }, /set PROFILE/],
    ['an unknown profile', {}, { PROFILE: 'clutser' }, /PROFILE must be one of/],
    ['a server of another kind', {}, { PROFILE: 'cluster', EVENTSTORE_URL: 'http://me:hidden@s' }, /EVENTSTORE_URL/],
    ['two flags', { dataDir: '/d', eventStore: SERVER }, {}, /give one of them/],
    ['an empty flag', { dataDir: '' }, {}, /--data-dir is empty/],
    ['a flag that is no server', { eventStore: 'http://me:hidden@s' }, {}, /--event-store must begin with esdb/],
  ])('is refused: %s', (_, flags, variables, expected) => {
    expect(() => logSource(flags, variables)).toThrow(expected);
    expect(() => logSource(flags, variables)).not.toThrow(/hidden/);
  });

  it('is described without the password', () => {
    expect(given({ eventStore: SERVER })).toBe('esdb://***@store:2113?tls=false (--event-store)');
  });

  it('must be a directory for a verb that works on directories alone', () => {
    expect(directorySource({ dataDir: '/d' }, { PROFILE: 'cluster' }, 'do that')).toBe('/d');
    expect(() => directorySource({}, { PROFILE: 'cluster', EVENTSTORE_URL: SERVER }, 'do that')).toThrow(
      'the log is kept by EventStoreDB (EVENTSTORE_URL): do that',
    );
  });
});
