/** Are alerts ordered, measured and silenced as whoever reads them expects? */

import { expect, test } from "vitest";
import type { AlertBody } from "../src/api/schema";
import {
  againstLimit,
  byUrgency,
  matchersOf,
  measured,
  toneOfSeverity,
  written,
} from "../src/parts/alert_words";

function alert(given: Partial<AlertBody>): AlertBody {
  const base = { rule: "r", state: "firing", labels: {}, starts_at: "2026-01-01T00:00:00Z" };
  return { ...base, ...given } as AlertBody;
}

test("the gravest comes first, then the newest, and what is not open yet comes last", () => {
  const found = byUrgency([
    alert({ alert_id: "waits", severity: "CRITICAL", state: "pending" }),
    alert({ alert_id: "old", severity: "WARNING" }),
    alert({ alert_id: "new", severity: "WARNING", starts_at: "2026-01-02T00:00:00Z" }),
    alert({ alert_id: "grave", severity: "CRITICAL" }),
  ]);
  expect(found.map((each) => each.alert_id)).toEqual(["grave", "new", "old", "waits"]);
});

test("a value is told in its unit, beside its limit", () => {
  expect(measured(0.5, "ratio")).toBe("50 %");
  expect(measured(7, "")).toBe("7");
  const evidence = { value: 2_500, threshold: 200, unit: "ms" };
  expect(againstLimit({ ...evidence } as AlertBody["evidence"])).toBe("2.50 s / 200 ms");
});

test("what would silence an alert are its labels but for its severity, which may change", () => {
  const labels = { model: 'a"b', severity: "critical" };
  const found = matchersOf(alert({ rule: "slow", labels }));
  expect(found.map(written)).toEqual(['alertname="slow"', 'model="a\\"b"']);
});

test("a severity that nobody knows has no tone", () => {
  expect(toneOfSeverity("CRITICAL")).toBe("bad");
  expect(toneOfSeverity("ODD")).toBe("plain");
});
