import type { HistoryRow } from './history-rows.js';

/** Well inside the API's own limits (10,000 lines, 16 MiB), so that an answer comes soon and a retry repeats little. */
export const CHUNK_LINES_MAX = 2_000;
export const CHUNK_BYTES_MAX = 2_097_152;

/** One line to send, with the row that it came from. */
export interface OutgoingLine {
  readonly row: HistoryRow;
  /** JSON without its line break. */
  readonly json: string;
}

/** Groups lines, in order, into chunks of at most so many lines and bytes. A line that is too long stands alone. */
export async function* chunked(
  lines: AsyncIterable<OutgoingLine>,
  linesMax = CHUNK_LINES_MAX,
  bytesMax = CHUNK_BYTES_MAX,
): AsyncGenerator<readonly OutgoingLine[]> {
  let chunk: OutgoingLine[] = [];
  let bytes = 0;
  for await (const line of lines) {
    const lineBytes = Buffer.byteLength(line.json) + 1;
    if (chunk.length > 0 && (chunk.length >= linesMax || bytes + lineBytes > bytesMax)) {
      yield chunk;
      chunk = [];
      bytes = 0;
    }
    chunk.push(line);
    bytes += lineBytes;
  }
  if (chunk.length > 0) yield chunk;
}
