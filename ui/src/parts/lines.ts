/** What is a line of a chart, and how do many stand on each other? */

export interface Line {
  id: string;
  label: string;
  values: readonly (number | null)[];
  /** From 1: which of the theme's chart colours; by its place without. */
  colour?: number;
}

/** Each line on top of those before it; drawn from the top down, so that all are seen. */
export function stacked(lines: readonly Line[], length: number): (number | null)[][] {
  const sums = new Array<number>(length).fill(0);
  return lines.map((line) =>
    sums.map((sum, index) => {
      sums[index] = sum + (line.values[index] ?? 0);
      return sums[index];
    }),
  );
}
