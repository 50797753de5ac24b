/** Do the bars of a score add up to it? */

import { expect, test } from "vitest";
import { stacked } from "../src/parts/lines";
import { pieces } from "../src/parts/pieces";
import { badness } from "../src/parts/severity";

const term = (name: string, value: number) => ({ name, value, weight: 50, detail: "" });

test("what is added stands end to end, what is taken ends where the score is", () => {
  const laid = pieces([term("a", 40), term("fee", -10), term("b", 30)]);
  expect(laid.map(({ name, from, value }) => [name, from, value])).toEqual([
    ["a", 0, 40],
    ["b", 40, 30],
    ["fee", 60, -10],
  ]);
  expect(laid[laid.length - 1]?.from).toBe(40 - 10 + 30);
});

test("stacked lines stand on each other, and a gap is nothing", () => {
  const line = (id: string, values: (number | null)[]) => ({ id, label: id, values });
  expect(stacked([line("a", [1, null, null]), line("b", [2, 3, null])], 3)).toEqual([
    [1, 0, null],
    [3, 3, null],
  ]);
});

test("who fails is looked at before who is slow", () => {
  const failing = badness({ success_rate: 0.9, p95_ms: 10 });
  const slow = badness({ success_rate: 1, p95_ms: 60_000 });
  expect(failing).toBeGreaterThan(slow);
  expect(badness({ success_rate: null, p95_ms: null })).toBe(0);
});
