/** Is the way to a value written as the server writes it? */

import { expect, test } from "vitest";
import { spelled } from "../src/parts/paths";

test("words stand plain, numbers and all else in brackets", () => {
  expect(spelled(["routing", "band"])).toBe("routing.band");
  expect(spelled(["agents", "coder", "requires", 1])).toBe("agents.coder.requires[1]");
  expect(spelled(["models", "a/b-1.5", "price"])).toBe('models["a/b-1.5"].price');
  expect(spelled(["keys", 0, "key"])).toBe("keys[0].key");
});
