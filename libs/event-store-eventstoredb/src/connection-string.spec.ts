import { inspect } from 'node:util';
import { parseConnectionString } from './connection-string.js';

describe('a connection string', () => {
  it.each([
    ['esdb://localhost:2113?tls=false', 'esdb://localhost:2113?tls=false', null],
    ['esdb://admin:changeit@db.example.org', 'esdb://db.example.org', 'admin:changeit'],
    [
      'esdb://admin:changeit@one:2113,two:2113,three:2113?tls=true&nodePreference=leader',
      'esdb://one:2113,two:2113,three:2113?tls=true&nodePreference=leader',
      'admin:changeit',
    ],
    [
      'esdb+discover://admin:p%40ss%3Aw%25rd@cluster.example.org/?keepAliveInterval=10000',
      'esdb+discover://cluster.example.org?keepAliveInterval=10000',
      'admin:p@ss:w%rd',
    ],
    ['  esdb://127.0.0.1:2113/  ', 'esdb://127.0.0.1:2113', null],
    ['esdb://admin:changeit@localhost?tls=false', 'esdb://localhost?tls=false', null],
  ])('is split into address and login: %s', (text, address, login) => {
    const settings = parseConnectionString(text);
    expect(settings.address).toBe(address);
    const { credentials } = settings;
    expect(credentials === undefined ? null : `${credentials.username}:${credentials.password}`).toBe(login);
    expect(inspect(credentials, { showHidden: true })).not.toContain('changeit');
  });

  it('takes user and password out of what may be shown, encoded and plain', () => {
    const { redact } = parseConnectionString('esdb://admin:p%40ssword@localhost');
    expect(redact('esdb://admin:p%40ssword@localhost said p@ssword')).toBe('esdb://***@localhost said ***');
  });

  it.each([
    '',
    'localhost:2113',
    'http://localhost',
    'esdb://',
    'esdb://user@localhost',
    'esdb://:word@localhost',
    'esdb://a:b@c@d',
  ])('is refused with the rule: "%s"', (text) => expect(() => parseConnectionString(text)).toThrow('is not one:'));
});
