/** Does an address bring back the view that it was taken from? */

import { expect, test } from "vitest";
import {
  endsWrong,
  halfKept,
  hashOf,
  narrowed,
  parsedPlace,
  place,
  range,
  recent,
} from "../src/state/place";

test("every place has an address that leads back to it", () => {
  const places = [
    { page: "overview", id: "", query: {} },
    { page: "models", id: "acme/big:v2", query: { range: "1h" } },
    { page: "decisions", id: "dec_1", query: { "decisions.q": "a b&c=d", agent: "ü" } },
  ] as const;
  for (const place of places) expect(parsedPlace(hashOf(place))).toEqual(place);
});

test("an address that leads nowhere leads to the overview, and breaks nothing", () => {
  expect(parsedPlace("").page).toBe("overview");
  expect(parsedPlace("#/nowhere/x?a=b").page).toBe("overview");
  expect(parsedPlace("#/models/%E0%A4%A").id).toBe("%E0%A4%A");
});

test("filters that are empty do not stand in an address", () => {
  expect(hashOf({ page: "agents", id: "", query: { b: "2", a: "1", c: "" } })).toBe(
    "#/agents?a=1&b=2",
  );
});

test("a range of one's own needs two ends in order, and is kept by agent or by model", () => {
  const at = (query: Record<string, string>) => {
    place.value = { page: "overview", id: "", query };
  };
  const [start, end] = ["2026-03-01T10:00:00Z", "2026-03-01T12:00:00Z"];
  at({ range: "custom", start });
  expect(range.value).toBe("5m");
  at({ range: "custom", start, end });
  expect([range.value, endsWrong.value, recent.value]).toEqual(["custom", false, "1h"]);
  at({ range: "custom", start: end, end: start });
  expect(endsWrong.value).toBe(true);
  at({ range: "7d", agent: "a", provider: "p" });
  expect([halfKept.value, narrowed.value]).toEqual([true, { agent_id: "a" }]);
  at({ range: "1h", agent: "a", provider: "p" });
  expect([halfKept.value, narrowed.value]).toEqual([false, { agent_id: "a", provider: "p" }]);
});
