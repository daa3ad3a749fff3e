import { apiTarget, urlOf } from './api-target.js';

const PATH = '/v1/history/import';
const reached = (api: string | undefined, variables = {}): string => urlOf(apiTarget(api, variables), PATH);

describe('the engine that a verb talks to', () => {
  it.each<[string | undefined, Record<string, string>, string, string]>([
    [undefined, {}, 'http://127.0.0.1:3000/v1/history/import', 'the default of HOST and PORT'],
    [undefined, { PORT: '4000' }, 'http://127.0.0.1:4000/v1/history/import', 'PORT'],
    [undefined, { HOST: 'engine', PORT: '80' }, 'http://engine/v1/history/import', 'HOST and PORT'],
    [undefined, { HOST: '0.0.0.0' }, 'http://127.0.0.1:3000/v1/history/import', 'HOST'],
    [undefined, { HOST: '::' }, 'http://[::1]:3000/v1/history/import', 'HOST'],
    ['http://a:1', { HOST: 'b', PORT: '2' }, 'http://a:1/v1/history/import', '--api'],
    ['https://a/gifts', {}, 'https://a/gifts/v1/history/import', '--api'],
    ['https://a/gifts//', {}, 'https://a/gifts/v1/history/import', '--api'],
    ['http://me:hidden@a', {}, 'http://a/v1/history/import', '--api'],
  ])('at %s with %j is %s', (api, variables, url, chosenBy) => {
    expect(reached(api, variables)).toBe(url);
    expect(apiTarget(api, variables).chosenBy).toBe(chosenBy);
  });

  it('gets the user of the URL as an Authorization header', () => {
    expect(apiTarget('http://me:p%40ss@a', {}).authorization).toBe(
      `Basic ${Buffer.from('me:p@ss').toString('base64')}`,
    );
    expect(apiTarget('http://a', {}).authorization).toBeNull();
  });

  it.each([
    ['here', {}, /--api must be a URL/],
    ['ftp://me:hidden@a', {}, /--api must be a URL/],
    ['http://me:hidden@a/?x=1', {}, /without \? and #/],
    ['http://me:hidden%@a', {}, /percent-encoded/],
    [undefined, { PORT: 'web' }, /PORT must be 1 to 65535/],
  ])('refuses %s with %j', (api, variables, message) => {
    expect(() => apiTarget(api, variables)).toThrow(message);
    expect(() => apiTarget(api, variables)).not.toThrow(/hidden/);
  });
});
