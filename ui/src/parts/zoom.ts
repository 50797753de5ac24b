/** Which part of a chart is looked at? All charts of a page look at the same. */

import { zoom } from "../state/place";

/** The ends in seconds; null where all is shown, as it is once these times have gone by. */
export function zoomWithin(times: readonly number[]): readonly [number, number] | null {
  const [first, last] = [times[0], times[times.length - 1]];
  const wanted = zoom.value;
  if (!wanted || first === undefined || last === undefined) return null;
  const [from, to] = wanted;
  return from < last && to > first ? [Math.max(from, first), Math.min(to, last)] : null;
}
