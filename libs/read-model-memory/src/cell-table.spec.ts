import { CellTable, NO_CELL } from './cell-table.js';

describe('the cell table', () => {
  it('finds each of many cells again, while it grows', () => {
    const cells = new CellTable();
    const numbers = new Map<string, number>();
    for (let round = 0; round < 2; round++) {
      for (let room = 0; room < 30; room++) {
        for (let viewer = 0; viewer < 70; viewer++) {
          for (const key of [-4_000_000, -1, 0, 1, 2_000_003]) {
            const cell = cells.intern(room, viewer, key);
            const name = `${room} ${viewer} ${key}`;
            if (round === 0) numbers.set(name, numbers.size);
            if (cell !== numbers.get(name)) throw new Error(`${name} is in cell ${cell}, not ${numbers.get(name)}`);
            cells.add(cell, room + 1, viewer, round + 1, 3_599_999);
          }
        }
      }
    }
    expect(cells.size).toBe(30 * 70 * 5);
    const cell = cells.intern(29, 69, -1);
    expect([cells.room(cell), cells.viewer(cell), cells.key(cell)]).toEqual([29, 69, -1]);
    expect([cells.coins(cell), cells.diamonds(cell), cells.reached(cell)]).toEqual([60, 138, 2]);
    expect(cells.msIntoHour(cell)).toBe(3_599_999);
  });

  it('keeps sums near 2^53, and neighbours', () => {
    const cells = new CellTable();
    const cell = cells.intern(1, 2, 3);
    expect([cells.nextInRoom(cell), cells.nextInHour(cell)]).toEqual([NO_CELL, NO_CELL]);
    cells.link(cell, 7, 8);
    cells.add(cell, Number.MAX_SAFE_INTEGER - 1, 1, Number.MAX_SAFE_INTEGER - 1, 0);
    cells.add(cell, 1, 0, Number.MAX_SAFE_INTEGER, 1);
    expect(cells.coins(cell)).toBe(Number.MAX_SAFE_INTEGER);
    expect(cells.reached(cell)).toBe(Number.MAX_SAFE_INTEGER);
    expect([cells.nextInRoom(cell), cells.nextInHour(cell)]).toEqual([7, 8]);
  });
});
