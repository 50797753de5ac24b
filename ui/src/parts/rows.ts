/** Which rows does a table show, in which order, and how do they leave it as a file? */

export interface Column<Row> {
  key: string;
  title: string;
  /** What it is sorted by and exported as. */
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

/** RFC 4180. A cell that a spreadsheet would take for a formula is given as text. */
export function csv<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const lines = [
    columns.map((column) => column.key),
    ...rows.map((row) => columns.map((column) => column.value(row))),
  ];
  return `${lines.map((line) => line.map(cell).join(",")).join("\r\n")}\r\n`;
}

function cell(value: Value): string {
  if (value === null) return "";
  const text = String(value);
  const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function json<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const objects = rows.map((row) =>
    Object.fromEntries(columns.map((column) => [column.key, column.value(row)])),
  );
  return `${JSON.stringify(objects, null, 2)}\n`;
}

export function saveAs(name: string, kind: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: kind }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
