import { HistoryLineBody } from '../bodies/history-line.body.js';
import { OpenRoomBody } from '../bodies/open-room.body.js';
import { SendGiftBody } from '../bodies/send-gift.body.js';
import { compileValidator } from './compiled-validator.js';

const gift = compileValidator(SendGiftBody, 'body');
const room = compileValidator(OpenRoomBody, 'body');
const line = compileValidator(HistoryLineBody, 'body');
const rulesOf = (errors: ReturnType<typeof gift>): readonly string[] => (errors ?? []).map(({ rule }) => rule);

const nameIs = (name: string): readonly string[] => rulesOf(gift({ viewerId: 'a', gift: 'rose', sender: { name } }));
const messageIs = (message: string): readonly string[] => rulesOf(gift({ viewerId: 'a', gift: 'rose', message }));
const titleIs = (title: string): readonly string[] => rulesOf(room({ roomId: 'r', creatorId: 'c', title }));
const avatarIs = (avatarUrl: string): readonly string[] =>
  rulesOf(gift({ viewerId: 'a', gift: 'rose', sender: { name: 'Ada', avatarUrl } }));

const REORDERING = ['\u202a', '\u202b', '\u202c', '\u202d', '\u202e', '\u2066', '\u2067', '\u2068', '\u2069'];
const CONTROLS = ['\0', '\u0007', '\u001b', '\u007f', '\u0085', '\u2028', '\u2029'];

describe('text that people write', () => {
  it.each([...REORDERING, ...CONTROLS, '\ud800', '\udc00'])('may not hold %j', (character) => {
    for (const rules of [nameIs(`a${character}b`), titleIs(`a${character}b`)]) expect(rules).toEqual(['isName']);
    expect(messageIs(`a${character}b`)).toEqual(['isText']);
  });

  it.each(['', ' ', '\u00a0\u2003', '\u200b', '\u200e\u200f', '\ufeff', '\u3164'])(
    'is no name when it is blank: %j',
    (blank) => {
      expect(nameIs(blank)).toEqual(['isName']);
      expect(titleIs(blank)).toEqual(['isName']);
    },
  );

  it('may have lines in a message, and not in a name', () => {
    expect(messageIs('one\ntwo\r\n\tthree')).toEqual([]);
    expect(nameIs('one\ntwo')).toEqual(['isName']);
  });

  it.each(['Ада', 'محمد', 'עדה\u200f', '名前', '👩‍👩‍👧', 'e\u0301', 'नमस्ते'])('may be in any script: %s', (text) => {
    expect([...nameIs(text), ...titleIs(text), ...messageIs(text)]).toEqual([]);
  });
});

describe('the address of an avatar', () => {
  it.each(['https://example.com/a.png', 'https://bücher.example/é.png?x=1#y'])('may be %s', (url) => {
    expect(avatarIs(url)).toEqual([]);
  });

  it.each([
    'http://example.com/a.png',
    'https://me@example.com/',
    'https://',
    ...REORDERING.map((c) => `https://example.com/${c}a`),
  ])('may not be %j', (url) => expect(avatarIs(url)).toEqual(['isHttpsUrl']));

  it.each(['\0', '\u0007', '\ud800', '\u2028', '\u200b', ' '])('may not hold %j', (character) => {
    expect(avatarIs(`https://example.com/a${character}b`)).toEqual(['isHttpsUrl']);
  });
});

describe('an id', () => {
  it.each(['.', '..'])('is not %s', (id) => {
    expect(rulesOf(room({ roomId: id, creatorId: 'c' }))).toEqual(['isId']);
    expect(rulesOf(gift({ viewerId: id, gift: 'rose' }))).toEqual(['isId']);
    const history = { importId: 'i', at: '2016-07-01T01:16:53Z', roomId: 'r', creatorId: id, viewerId: 'v', coins: 1 };
    expect(rulesOf(line(history))).toEqual(['isId']);
  });

  it.each(['...', '.a', 'a.', '-', '_', 'a'.repeat(64)])('may be %s', (id) => {
    expect(rulesOf(room({ roomId: id, creatorId: 'c' }))).toEqual([]);
  });
});
