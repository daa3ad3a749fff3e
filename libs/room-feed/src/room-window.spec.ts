import type { Position } from '@livegift/kernel';
import { RoomWindow, type WindowGift } from './room-window.js';

const at = (number: number): Position => String(number).padStart(16, '0') as Position;

const gift = (number: number): WindowGift => ({
  position: at(number),
  atMs: number * 1_000,
  body: String(number % 10),
});

function windowWith(count: number, giftsMax = 1_000): RoomWindow {
  const window = new RoomWindow(at(0), giftsMax);
  for (let number = 1; number <= count; number++) window.add(gift(number));
  return window;
}

const numbersAfter = (window: RoomWindow, number: number): number[] =>
  window.after(at(number)).map(({ position }) => Number(position));

describe("a room's window", () => {
  it('gives exactly what came after a position, also one between two gifts', () => {
    const window = new RoomWindow(at(0), 10);
    for (const number of [2, 4, 6]) window.add(gift(number));
    expect(numbersAfter(window, 0)).toEqual([2, 4, 6]);
    expect(numbersAfter(window, 3)).toEqual([4, 6]);
    expect(numbersAfter(window, 4)).toEqual([6]);
    expect(numbersAfter(window, 6)).toEqual([]);
  });

  it('keeps so many gifts, and reaches back to the last one that it let go', () => {
    const window = windowWith(12, 10);
    expect(window).toMatchObject({ length: 10, floor: at(2), newest: at(12) });
    expect(window.reachesBackTo(at(1))).toBe(false);
    expect(window.reachesBackTo(at(2))).toBe(true);
    expect(numbersAfter(window, 2)).toHaveLength(10);
  });

  it('stays right however often it has let go', () => {
    const window = windowWith(5_000, 100);
    expect(numbersAfter(window, 4_998)).toEqual([4999, 5000]);
    expect(window).toMatchObject({ length: 100, floor: at(4_900) });
  });

  it('lets old gifts go by time, and forgets nothing of where it is', () => {
    const window = windowWith(5);
    window.dropBefore(4_000);
    expect(window).toMatchObject({ length: 2, floor: at(3), newest: at(5) });
    window.dropBefore(9_000);
    expect(window).toMatchObject({ length: 0, floor: at(5), newest: at(5), bytes: 0 });
  });

  it('knows what came in the last moments', () => {
    expect(windowWith(5).since(4_000)).toEqual([gift(4), gift(5)]);
    expect(windowWith(5).since(6_000)).toEqual([]);
    expect(windowWith(5, 3).since(0)).toHaveLength(3);
  });

  it('begins again at a floor, never behind what it has seen', () => {
    const window = windowWith(5);
    window.restartAt(at(3));
    expect(window).toMatchObject({ length: 0, floor: at(5), bytes: 0 });
    window.restartAt(at(9));
    expect(window).toMatchObject({ floor: at(9), newest: at(9) });
  });

  it('counts its bytes', () => {
    const window = windowWith(3, 2);
    const two = window.bytes;
    window.add(gift(4));
    expect(window.bytes).toBe(two);
    expect(two).toBeGreaterThan(0);
  });
});
