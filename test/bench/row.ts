/** One line of the table: an absolute figure and, where it has one, its ratio to a reference measured in the same run. */
export interface Row {
  readonly bench: string;
  readonly what: string;
  readonly figure: number;
  readonly unit: string;
  readonly reference?: { readonly what: string; readonly figure: number };
  /** What the figure, or the ratio, should reach. */
  readonly goal?: string;
  readonly reached?: boolean;
}

export function ratioOf(row: Row): number | null {
  return row.reference === undefined ? null : row.figure / row.reference.figure;
}

export function format(rows: readonly Row[]): string {
  const cells = rows.map((row) => {
    const ratio = ratioOf(row);
    return [
      row.bench,
      row.what,
      `${readable(row.figure)} ${row.unit}`,
      ratio === null ? '' : `${ratio.toFixed(2)} of ${row.reference!.what} (${readable(row.reference!.figure)})`,
      row.goal ?? '',
      row.reached === undefined ? '' : row.reached ? 'yes' : 'NO',
    ];
  });
  const table = [
    ['bench', 'what', 'figure', 'ratio', 'goal', 'reached'],
    ['---', '---', '---', '---', '---', '---'],
    ...cells,
  ];
  return table.map((line) => `| ${line.join(' | ')} |`).join('\n');
}

function readable(figure: number): string {
  if (figure >= 1_000) return Math.round(figure).toLocaleString('en-US');
  return figure >= 100 ? figure.toFixed(0) : figure.toFixed(2);
}

/** The q-quantile of unsorted numbers; 0 of none. */
export function quantile(values: Float64Array, q: number): number {
  if (values.length === 0) return 0;
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]!;
}
