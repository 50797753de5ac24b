/** Do tables show, order and export what they hold? */

import { expect, test } from "vitest";
import { type Column, csv, found, json, sorted } from "../src/parts/rows";

interface Row {
  name: string;
  ms: number | null;
}

const COLUMNS: Column<Row>[] = [
  { key: "name", title: "Name", width: "1fr", value: (row) => row.name },
  { key: "ms", title: "Time", width: "1fr", value: (row) => row.ms },
];
const ROWS: Row[] = [
  { name: "beta 10", ms: null },
  { name: "beta 9", ms: 20 },
  { name: "alpha", ms: 3 },
];

test("numbers are ordered as numbers, and what is missing comes last either way", () => {
  const by = (falling: boolean) =>
    sorted(ROWS, COLUMNS, { key: "ms", falling }).map((row) => row.ms);
  expect(by(false)).toEqual([3, 20, null]);
  expect(by(true)).toEqual([20, 3, null]);
});

test("names with numbers in them are ordered as people count", () => {
  const names = sorted(ROWS, COLUMNS, { key: "name", falling: false }).map((row) => row.name);
  expect(names).toEqual(["alpha", "beta 9", "beta 10"]);
});

test("an order by nothing that is known leaves the rows as they are", () => {
  expect(sorted(ROWS, COLUMNS, { key: "none", falling: true })).toBe(ROWS);
  expect(sorted(ROWS, COLUMNS, null)).toBe(ROWS);
});

test("every word of a search has to be found, in any column and case", () => {
  expect(found(ROWS, COLUMNS, "BETA 20").map((row) => row.name)).toEqual(["beta 9"]);
  expect(found(ROWS, COLUMNS, "  ")).toBe(ROWS);
  expect(found(ROWS, COLUMNS, "gamma")).toEqual([]);
});

test("a table as CSV can be read again, and no spreadsheet takes a name for a formula", () => {
  const odd: Row[] = [
    { name: '=cmd("x")', ms: -1 },
    { name: "a,b\nc", ms: null },
  ];
  expect(csv(odd)).toBe('name,ms\r\n"\'=cmd(""x"")",-1\r\n"a,b\nc",\r\n');
});

test("fields of a field have columns of their own, and what is missing in a row is empty", () => {
  const nested = [
    { id: "a", price: null, needs: ["code", "math"] },
    { id: "b", price: { state: "known", usd: 2 }, needs: [], more: [{ x: 1 }] },
  ];
  expect(csv(nested).split("\r\n")).toEqual([
    "id,needs,price.state,price.usd,more",
    "a,code math,,,",
    'b,,known,2,"[{""x"":1}]"',
    "",
  ]);
});

test("a table as JSON is what the server has told", () => {
  expect(JSON.parse(json(ROWS.slice(1, 2)))).toEqual([{ name: "beta 9", ms: 20 }]);
});
