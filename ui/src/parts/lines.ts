/** What is a line of a chart, and how do many stand on each other? */

export interface Line {
  id: string;
  label: string;
  values: readonly (number | null)[];
  /** From 1: which of the theme's chart colours; by its place without. */
  colour?: number;
  /** Its values stand alone, no line leads from one to the next. */
  dots?: true;
  dashed?: true;
  /** The edge of a band. */
  thin?: true;
  /** Filters under which what it tells of is looked at. */
  narrow?: Readonly<Record<string, string>>;
  /** It tells of what was so many seconds before the times of its chart. */
  late_s?: number;
}

/** Something that happened at an instant, in seconds since 1970. */
export interface Mark {
  at: number;
  /** As of an alert: INFO, WARNING, ERROR or CRITICAL. */
  severity: string;
  label: string;
  href: string;
}

/** The marks that a chart over these times has room for. */
export function marksWithin(marks: readonly Mark[], times: readonly number[]): Mark[] {
  const [first, last] = [times[0], times[times.length - 1]];
  if (first === undefined || last === undefined) return [];
  const step = (times[1] ?? last) - first;
  return marks.filter((mark) => mark.at >= first && mark.at <= last + step);
}

/** Each line on top of those before it; nothing where none of them is known. */
export function stacked(lines: readonly Line[], length: number): (number | null)[][] {
  const sums = Array.from<unknown, number | null>({ length }, (_, index) =>
    lines.some((line) => (line.values[index] ?? null) !== null) ? 0 : null,
  );
  return lines.map((line) =>
    sums.map((sum, index) => {
      if (sum === null) return null;
      sums[index] = sum + (line.values[index] ?? 0);
      return sums[index] ?? null;
    }),
  );
}

/** The later half, and along it the half before. */
export function compared(
  times: readonly number[],
  lines: readonly Line[],
  length: number,
  before: (label: string) => string,
): { times: readonly number[]; lines: Line[] } {
  const last = times[times.length - 1] ?? 0;
  const half = times.findIndex((at) => at > last - length);
  const places = times.map((_, index) => index).slice(half);
  const byTime = new Map(times.map((at, index) => [at, index]));
  const both = lines.flatMap((line, place) => [
    { ...line, colour: place * 2 + 1, values: places.map((index) => line.values[index] ?? null) },
    {
      id: `${line.id} before`,
      label: before(line.label),
      colour: place * 2 + 2,
      narrow: line.narrow ?? {},
      late_s: length,
      values: places.map((index) => {
        const past = byTime.get((times[index] ?? 0) - length);
        return past === undefined ? null : (line.values[past] ?? null);
      }),
    },
  ]);
  return { times: places.map((index) => times[index] ?? 0), lines: both };
}
