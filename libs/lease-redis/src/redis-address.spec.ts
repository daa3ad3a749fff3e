import { redisAddress } from './redis-address.js';

describe('the URL of Redis', () => {
  it.each([
    ['redis://localhost', ['localhost:6379'], undefined, undefined, 0, false],
    ['redis://127.0.0.1:7000/3', ['127.0.0.1:7000'], undefined, undefined, 3, false],
    ['redis://:s%40fe%2F@one:1/', ['one:1'], undefined, 's@fe/', 0, false],
    ['rediss://ann:p%3Aw:x@one:1,two,[::1]:3', ['one:1', 'two:6379', '::1:3'], 'ann', 'p:w:x', 0, true],
  ])('is read: %s', (url, nodes, username, password, db, tls) => {
    const address = redisAddress(url);
    expect(address.nodes.map(({ host, port }) => `${host}:${port}`)).toEqual(nodes);
    expect({ ...address, nodes: null }).toEqual({ nodes: null, username, password, db, tls });
  });

  it.each([
    'http://secret:6379',
    'redis://',
    'redis://ann:secret@',
    'redis://one:secret',
    'redis://one:99999999',
    'redis://ann:sec%ret@one',
    'redis://one/secret',
    'redis://one,,two',
  ])('is refused with the rule and without its words: %s', (url) => {
    expect(() => redisAddress(url)).toThrow(RangeError);
    expect(() => redisAddress(url)).toThrow(/URL of Redis must/);
    expect(() => redisAddress(url)).not.toThrow(/secret|sec%ret|999/);
  });
});
