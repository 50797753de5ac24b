/** Does an address bring back the view that it was taken from? */

import { expect, test } from "vitest";
import { hashOf, parsedPlace } from "../src/state/place";

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
