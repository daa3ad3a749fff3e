import { chunked, type OutgoingLine } from './chunks.js';

const row = { fileLine: 2, at: '2016-07-01T01:16:54Z', roomId: 'r', creatorId: 'c', viewerId: 'v', coins: 5 };

describe('chunks', () => {
  const lines = async function* (texts: readonly string[]): AsyncGenerator<OutgoingLine> {
    for (const json of texts) yield { row, json };
  };
  const sizes = async (texts: readonly string[], linesMax: number, bytesMax: number): Promise<number[]> => {
    const found: number[] = [];
    for await (const chunk of chunked(lines(texts), linesMax, bytesMax)) found.push(chunk.length);
    return found;
  };

  it('end at so many lines', async () => {
    expect(await sizes(['a', 'b', 'c', 'd', 'e'], 2, 1_000)).toEqual([2, 2, 1]);
  });
  it('end at so many bytes, as UTF-8', async () => {
    expect(await sizes(['aaaa', 'bbbb', 'éé', 'cccc'], 9, 10)).toEqual([2, 2]);
    expect(await sizes(['éééé', 'aaaa'], 9, 10)).toEqual([1, 1]);
  });
  it('carry a line that is too long alone, and none of an empty file', async () => {
    expect(await sizes(['a'.repeat(99), 'b'], 9, 10)).toEqual([1, 1]);
    expect(await sizes([], 9, 10)).toEqual([]);
  });
});
