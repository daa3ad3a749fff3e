const RUN = 2_048;

/**
 * Sorts the numbers 0 … size - 1 by `compare`, in pieces: after each it yields how many comparisons it has about made,
 * so that whoever runs it can let others have the event loop.
 */
export function* slicedSort(size: number, compare: (a: number, b: number) => number): Generator<number, Int32Array> {
  let sorted = new Int32Array(size);
  for (let i = 0; i < size; i++) sorted[i] = i;
  for (let start = 0; start < size; start += RUN) {
    sorted.subarray(start, start + RUN).sort(compare);
    yield RUN * 11;
  }
  let merged = new Int32Array(size);
  for (let width = RUN; width < size; width *= 2) {
    for (let start = 0; start < size; start += 2 * width) {
      yield* merge(sorted, merged, start, Math.min(start + width, size), Math.min(start + 2 * width, size), compare);
    }
    [sorted, merged] = [merged, sorted];
  }
  return sorted;
}

function* merge(
  from: Int32Array,
  to: Int32Array,
  start: number,
  middle: number,
  end: number,
  compare: (a: number, b: number) => number,
): Generator<number, void> {
  let left = start;
  let right = middle;
  for (let out = start; out < end; out++) {
    const takeLeft = right >= end || (left < middle && compare(from[left]!, from[right]!) <= 0);
    to[out] = takeLeft ? from[left++]! : from[right++]!;
    if ((out & 4_095) === 4_095) yield 4_096;
  }
}
