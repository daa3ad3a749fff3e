import { parseRedisUrl } from './redis-url.js';

describe('the URL of Redis', () => {
  it.each([
    ['redis://localhost', [['localhost', 6379]], undefined, undefined, 0, false],
    ['redis://127.0.0.1:7000/3', [['127.0.0.1', 7000]], undefined, undefined, 3, false],
    ['redis://:s%40fe%2F@redis:6380', [['redis', 6380]], undefined, 's@fe/', 0, false],
    [
      'rediss://gift:p%3Aq@a.example:1,b.example,[::1]:3',
      [
        ['a.example', 1],
        ['b.example', 6379],
        ['::1', 3],
      ],
      'gift',
      'p:q',
      0,
      true,
    ],
  ] as const)('reads %s', (url, nodes, username, password, db, tls) => {
    const expected = nodes.map(([host, port]) => ({ host, port }));
    expect(parseRedisUrl(url)).toEqual({ nodes: expected, username, password, db, tls });
  });

  it.each([
    'http://hidden:6379',
    'redis://',
    'redis://u:hidden@',
    'redis://a:hidden',
    'redis://a:99999/0',
    'redis://u:hid%den@a',
    'redis://a/hidden',
    'redis://u:hidden@a@b',
  ])('refuses %s, without telling what it holds', (url) => {
    let message = '';
    try {
      parseRedisUrl(url);
    } catch (error) {
      expect(error).toBeInstanceOf(RangeError);
      message = (error as Error).message;
    }
    expect(message).toContain('URL of Redis');
    expect(message).not.toContain('hid');
  });
});
