/** Is a value written so that nobody misreads it? */

import { expect, test } from "vitest";
import {
  change,
  count,
  dollars,
  duration,
  instant,
  percent,
  rate,
  score,
  tick,
} from "../src/parts/format";

test("what is not known is a dash, and nought is nought", () => {
  for (const write of [duration, percent, dollars, count, rate, score]) {
    expect(write(null)).toBe("–");
    expect(write(Number.NaN)).toBe("–");
  }
  expect(dollars(0)).toBe("$0");
  expect(count(0)).toBe("0");
});

test("a duration has the unit that fits it", () => {
  const written = [0.42, 12.3, 999, 1_234, 15_000, 90_000, 7_200_000].map(duration);
  expect(written).toEqual(["0.4 ms", "12 ms", "999 ms", "1.23 s", "15.0 s", "1.5 min", "2.0 h"]);
});

test("what is not quite everything is never written as everything", () => {
  expect([1, 0.99996, 0.995, 0.5, 0.004].map(percent)).toEqual([
    "100 %",
    "99.9 %",
    "99.5 %",
    "50 %",
    "0.4 %",
  ]);
});

test("small amounts of money keep two digits that mean something", () => {
  expect([1_234, 12.345, 0.12345, 0.00001234].map(dollars)).toEqual([
    "$1.2K",
    "$12.35",
    "$0.12",
    "$0.000012",
  ]);
});

test("a change is against what was, and none where nothing was", () => {
  expect(change(11, 10)).toBe("+10 %");
  expect(change(9.5, 10)).toBe("−5.0 %");
  expect(change(1, 0)).toBeNull();
  expect(change(null, 1)).toBeNull();
});

test("a large number is written with the letter of its size, also where rounding lifts it", () => {
  expect([9_999, 10_000, 12_345, 999_949, 999_950, 2_500_000, 1e9, -3.2e12].map(count)).toEqual([
    "9,999",
    "10K",
    "12.3K",
    "999.9K",
    "1M",
    "2.5M",
    "1B",
    "-3.2T",
  ]);
});

test("an instant is a time of day, with its date unless that is today", () => {
  const now = new Date(2026, 2, 9, 15, 4, 5);
  expect(instant(now.getTime() - 1_000, now)).toBe("15:04:04");
  expect(instant(now.getTime() - 86_400_000, now)).toBe("2026-03-08 15:04:05");
  expect(instant(null, now)).toBe("–");
});

test("an axis says no more of an instant than can be told apart on it", () => {
  const at = (...when: [number, number, number?, number?, number?]) =>
    +new Date(2026, ...when) / 1e3;
  expect(tick(at(2, 9, 15, 4, 5), 300)).toBe("15:04:05");
  expect(tick(at(2, 9, 15, 4), 3_600)).toBe("15:04");
  expect(tick(at(2, 9, 12), 604_800)).toBe("12:00");
  expect(tick(at(2, 9), 604_800)).toBe("03-09");
  expect(tick(at(2, 9, 12), 30 * 86_400)).toBe("03-09");
});
