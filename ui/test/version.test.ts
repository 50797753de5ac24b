/** Is another page of the server told from the one that is open? */

import { expect, test } from "vitest";
import { isAnother } from "../src/state/version";

const page = (script: string) =>
  `<!doctype html><script type="module" crossorigin src="${script}"></script><div id="app">`;

test("a page with another script is another one, and one with ours is not", () => {
  expect(isAnother(page("/assets/index-new.js"), "/assets/index-old.js")).toBe(true);
  expect(isAnother(page("/assets/index-old.js"), "/assets/index-old.js")).toBe(false);
});

test("what is no dashboard is nothing to be loaded", () => {
  expect(isAnother("<h1>The dashboard is not built</h1>", "/assets/index-old.js")).toBe(false);
});
