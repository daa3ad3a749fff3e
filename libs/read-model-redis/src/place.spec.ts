import type { Position } from '@livegift/kernel';
import { invertDigits, parseMember, parsePlace, placeText, reachedText } from './place.js';

describe('a place on a board', () => {
  it.each([
    ['0000000000000007', '9999999999999992'],
    ['9007199254740993', '0992800745259006'],
    ['0000000000123456789000000000001234567891', '9999999999876543210999999999998765432108'],
    ['9'.repeat(40), '0'.repeat(40)],
  ])('inverts %s', (position, inverted) => {
    expect(invertDigits(position)).toBe(inverted);
    expect(invertDigits(inverted)).toBe(position);
  });

  it('orders inverted positions the other way round, whatever their digits', () => {
    const positions = ['0', '1', '15', '16', '151', '999999999999999', '1000000000000000', '1000000000000001'];
    const inverted = positions.map((position) => invertDigits(position.padStart(40, '0')));
    expect([...inverted].sort().reverse()).toEqual(inverted);
  });

  it('is read as it was written', () => {
    const reached = reachedText('0000000000000007' as Position, -5);
    const place = { score: Number.MAX_SAFE_INTEGER, reached };
    expect(placeText(place)).toBe('9007199254740991:9999999999999992:-5');
    expect(parsePlace(placeText(place))).toEqual(place);
    expect(parseMember(`${reached}:a.b-c_d`)).toEqual({ id: 'a.b-c_d', position: '0000000000000007', reachedAtMs: -5 });
  });
});
