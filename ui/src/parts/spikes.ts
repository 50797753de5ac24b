/** Which decisions stand behind a point of a chart? */

import { linkTo } from "../state/place";
import type { Line } from "./lines";

interface Course {
  /** In seconds since 1970, when each step begins. */
  times: readonly number[];
  step_s: number;
  /** Of a step, in seconds: what ended in it may have begun so long before. */
  took_s?: (place: number) => number;
  /** Filters besides those that all pages share. */
  narrow?: Readonly<Record<string, string>>;
}

/** For `leads` of a chart. What is ahead leads nowhere. */
export function toDecisions(course: Course): (place: number, line?: Line) => string {
  return (place, line) => {
    const begins = course.times[place];
    if (begins === undefined || 1_000 * begins > Date.now()) return "";
    const late = line?.late_s ?? 0;
    const since = begins - late - (course.took_s?.(place) ?? 0);
    const until = begins - late + course.step_s;
    const range = { since: written(since), until: written(until) };
    return linkTo("decisions", "", { ...range, ...course.narrow, ...line?.narrow });
  };
}

const written = (at_s: number) => new Date(Math.floor(1_000 * at_s)).toISOString();
