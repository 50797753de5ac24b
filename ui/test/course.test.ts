/** Is the course whole after an interruption, each step once? */

import { expect, test } from "vitest";
import type { OverviewBody } from "../src/api/schema";
import { merged } from "../src/state/course";

const at = (step: number) => new Date(1_700_000_000_000 + step * 10_000).toISOString();

function snapshot(steps: number[], rates: Record<string, number[]> = {}): OverviewBody {
  const courses = Object.entries(rates).map(([model_id, values]) => ({
    model_id,
    requests_per_s: values,
    p95_ms: values,
  }));
  const points = steps.map((step) => ({ at: at(step), requests: step }));
  return { range: "5m", range_s: 50, step_s: 10, points, courses } as unknown as OverviewBody;
}

const steps = (body: OverviewBody) => body.points.map((point) => point.requests);

test("new steps follow the old ones, and the one still going on is replaced", () => {
  expect(steps(merged(snapshot([1, 2, 3]), snapshot([3, 4])))).toEqual([1, 2, 3, 4]);
});

test("steps that have left the range are let go", () => {
  expect(steps(merged(snapshot([1, 2, 3, 4, 5]), snapshot([5, 6, 7])))).toEqual([3, 4, 5, 6, 7]);
});

test("after a long silence nothing old is shown as if it were near", () => {
  expect(steps(merged(snapshot([1, 2, 3]), snapshot([40, 41])))).toEqual([40, 41]);
});

test("models that come and go keep their place along the steps", () => {
  const before = snapshot([1, 2], { old: [1, 1], both: [2, 2] });
  const news = snapshot([2, 3], { both: [3, 4], new: [5, 6] });
  const courses: unknown = Object.fromEntries(
    merged(before, news).courses.map((each) => [each.model_id, each.requests_per_s]),
  );
  expect(courses).toEqual({
    old: [1, null, null],
    both: [2, 3, 4],
    new: [null, 5, 6],
  });
});

test("another range has nothing to do with the one before", () => {
  const news = { ...snapshot([4]), range: "1h" };
  expect(merged(snapshot([1, 2]), news)).toBe(news);
});
