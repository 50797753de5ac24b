/** Which rows does a table show, in which order, and how do they leave it as a file? */

export interface Column<Row> {
  key: string;
  title: string;
  /** What it is sorted by and found by. */
  value: (row: Row) => string | number | boolean | null;
  /** In CSS grid terms, such as `minmax(8rem, 2fr)`. */
  width: string;
  end?: boolean;
}

export interface Order {
  key: string;
  falling: boolean;
}

type Value = string | number | boolean | null;

/** Rising; what is missing comes last either way. */
export function compared(a: Value, b: Value): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), "en", { numeric: true });
}

export function sorted<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  order: Order | null,
): readonly Row[] {
  const column = columns.find((each) => each.key === order?.key);
  if (!column || !order) return rows;
  const sign = order.falling ? -1 : 1;
  const keyed = rows.map((row, place) => ({ row, place, value: column.value(row) }));
  keyed.sort((a, b) => {
    if (a.value === null || b.value === null) {
      return Number(a.value === null) - Number(b.value === null) || a.place - b.place;
    }
    return sign * compared(a.value, b.value) || a.place - b.place;
  });
  return keyed.map(({ row }) => row);
}

/** Those in which every word of the search stands somewhere. */
export function found<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  search: string,
): readonly Row[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return rows;
  return rows.filter((row) => {
    const text = columns.map((column) => String(column.value(row) ?? "")).join("\n");
    const lower = text.toLowerCase();
    return words.every((word) => lower.includes(word));
  });
}

type Cells = Map<string, Value>;

/**
 * RFC 4180, with a column for every field: those within another by both names, `price.state`.
 * Words of a list stand one after the other. What a spreadsheet would run is given as text.
 */
export function csv(records: readonly object[]): string {
  const lines = records.map((record) => flat(record));
  const names = [...new Set(lines.flatMap((line) => [...line.keys()]))];
  const within = new Set(names.map((name) => name.slice(0, Math.max(0, name.lastIndexOf(".")))));
  // Where there is nothing, it has no fields, and is no column of its own for that.
  const heads = names.filter((name) => !within.has(name));
  const cells = [heads, ...lines.map((line) => heads.map((head) => line.get(head) ?? null))];
  return `${cells.map((line) => line.map(cell).join(",")).join("\r\n")}\r\n`;
}

function flat(record: object, prefix = "", cells: Cells = new Map()): Cells {
  for (const [name, value] of Object.entries(record) as [string, unknown][]) {
    const key = `${prefix}${name}`;
    if (isPlain(value)) cells.set(key, value);
    else if (!Array.isArray(value)) flat(value as object, `${key}.`, cells);
    else if (value.every((each) => typeof each === "string")) cells.set(key, value.join(" "));
    else cells.set(key, JSON.stringify(value));
  }
  return cells;
}

const isPlain = (value: unknown): value is Value => value === null || typeof value !== "object";

function cell(value: Value): string {
  if (value === null) return "";
  const text = String(value);
  const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function json(records: readonly object[]): string {
  return `${JSON.stringify(records, null, 2)}\n`;
}

export function saveAs(name: string, kind: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: kind }));
  save(address, name);
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** Have the browser keep what is at an address, as it comes. */
export function save(address: string, name: string): void {
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
}
