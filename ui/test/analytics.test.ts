/** Does the period before lie along the period that it is compared with? */

import { expect, test } from "vitest";
import { compared } from "../src/parts/lines";

test("each value stands beside the one of as long before", () => {
  const times = [0, 10, 20, 30, 40, 50];
  const line = { id: "a", label: "A", values: [1, 2, 3, 4, null, 6] };
  const found = compared(times, [line], 30, (label) => `${label} before`);
  expect(found.times).toEqual([30, 40, 50]);
  expect(found.lines.map((each) => [each.label, each.values])).toEqual([
    ["A", [4, null, 6]],
    ["A before", [1, 2, 3]],
  ]);
});

test("what is not known of before is a gap", () => {
  const found = compared([20, 30], [{ id: "a", label: "A", values: [5, 6] }], 30, String);
  expect(found.lines[1]?.values).toEqual([null, null]);
});
