/** How are flows between two sides laid out, so that every end is as wide as what goes through it? */

export interface Flow {
  from: string;
  to: string;
  /** More than 0. */
  size: number;
}

export interface Node {
  id: string;
  size: number;
  /** Of its upper end and its height, in the units of the drawing. */
  y: number;
  height: number;
}

export interface Band {
  flow: Flow;
  fromY: number;
  toY: number;
  height: number;
}

export interface Layout {
  left: Node[];
  right: Node[];
  bands: Band[];
  height: number;
}

/** What all those beyond the largest go by. */
export const OTHERS = "";

/** At most `most` on each side; what is beyond goes together as `OTHERS`. */
export function grouped(flows: readonly Flow[], most: number): Flow[] {
  const keep = (side: "from" | "to") => {
    const sums = totals(flows, side);
    const largest = [...sums].sort(([a, x], [b, y]) => y - x || a.localeCompare(b));
    return new Set(largest.slice(0, sums.size > most ? most - 1 : most).map(([id]) => id));
  };
  const [froms, tos] = [keep("from"), keep("to")];
  const found = new Map<string, Flow>();
  for (const flow of flows) {
    const from = froms.has(flow.from) ? flow.from : OTHERS;
    const to = tos.has(flow.to) ? flow.to : OTHERS;
    const key = JSON.stringify([from, to]);
    found.set(key, { from, to, size: (found.get(key)?.size ?? 0) + flow.size });
  }
  return [...found.values()];
}

/** Sides as high as each other would be without gaps; a node is at least `least` high. */
export function laidOut(
  flows: readonly Flow[],
  height: number,
  gap: number,
  least: number,
): Layout {
  const whole = flows.reduce((sum, flow) => sum + flow.size, 0) || 1;
  const sides = (["from", "to"] as const).map((side) => totals(flows, side));
  const most = Math.max(...sides.map((sums) => sums.size), 1);
  const scale = Math.max(height - gap * (most - 1), height / 2) / whole;
  const [left, right] = sides.map((sums) => column(sums, scale, gap, least)) as [Node[], Node[]];
  const ends = [...left, ...right].map((node) => node.y + node.height);
  return { left, right, bands: banded(flows, left, right, scale), height: Math.max(...ends, 1) };
}

function totals(flows: readonly Flow[], side: "from" | "to"): Map<string, number> {
  const sums = new Map<string, number>();
  for (const flow of flows) sums.set(flow[side], (sums.get(flow[side]) ?? 0) + flow.size);
  return sums;
}

/** The largest first; the others together come last. */
function column(sums: Map<string, number>, scale: number, gap: number, least: number): Node[] {
  const ids = [...sums].sort(
    ([a, x], [b, y]) => Number(a === OTHERS) - Number(b === OTHERS) || y - x || a.localeCompare(b),
  );
  let y = 0;
  return ids.map(([id, size]) => {
    const node = { id, size, y, height: Math.max(least, size * scale) };
    y += node.height + gap;
    return node;
  });
}

function banded(
  flows: readonly Flow[],
  left: readonly Node[],
  right: readonly Node[],
  scale: number,
): Band[] {
  const place = (nodes: readonly Node[]) => new Map(nodes.map((node, at) => [node.id, at]));
  const [lefts, rights] = [place(left), place(right)];
  const at = (places: Map<string, number>, id: string) => places.get(id) ?? 0;
  const ordered = [...flows].sort(
    (a, b) => at(lefts, a.from) - at(lefts, b.from) || at(rights, a.to) - at(rights, b.to),
  );
  const used = { left: left.map((node) => node.y), right: right.map((node) => node.y) };
  return ordered.map((flow) => {
    const [l, r] = [at(lefts, flow.from), at(rights, flow.to)];
    const height = flow.size * scale;
    const band = { flow, fromY: used.left[l] ?? 0, toY: used.right[r] ?? 0, height };
    used.left[l] = band.fromY + height;
    used.right[r] = band.toY + height;
    return band;
  });
}
