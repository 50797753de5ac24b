import { describe, expect, it } from "vitest";
import { grouped, laidOut, OTHERS } from "../src/parts/bands";

const FLOWS = [
  { from: "a", to: "m", size: 6 },
  { from: "a", to: "n", size: 2 },
  { from: "b", to: "n", size: 4 },
];

describe("flows between two sides", () => {
  it("leave and enter within the height of their ends, none over another", () => {
    const { left, right, bands } = laidOut(FLOWS, 120, 10, 1);
    for (const [nodes, side] of [
      [left, "from"],
      [right, "to"],
    ] as const) {
      for (const node of nodes) {
        const own = bands
          .filter((band) => band.flow[side] === node.id)
          .map((band) => [side === "from" ? band.fromY : band.toY, band.height] as const)
          .sort(([a], [b]) => a - b);
        let y = node.y;
        for (const [at, height] of own) {
          expect(at).toBeCloseTo(y);
          y += height;
        }
        expect(y).toBeCloseTo(node.y + node.height);
      }
    }
  });

  it("come in the order of their size, and fit", () => {
    const { left, right, height } = laidOut(FLOWS, 120, 10, 1);
    expect(left.map((node) => node.id)).toEqual(["a", "b"]);
    expect(right.map((node) => node.id)).toEqual(["m", "n"]);
    expect(height).toBeCloseTo(120);
    expect(left[1]?.y).toBeCloseTo((left[0]?.height ?? 0) + 10);
  });

  it("lose nothing where many are put together, and the others come last", () => {
    const many = Array.from({ length: 30 }, (_, n) => ({
      from: `a${n}`,
      to: `m${n % 3}`,
      size: n + 1,
    }));
    const few = grouped(many, 5);
    const sum = (flows: { size: number }[]) => flows.reduce((whole, flow) => whole + flow.size, 0);
    expect(sum(few)).toBe(sum(many));
    expect(new Set(few.map((flow) => flow.from))).toEqual(
      new Set(["a29", "a28", "a27", "a26", OTHERS]),
    );
    expect(laidOut(few, 300, 4, 2).left.at(-1)?.id).toBe(OTHERS);
    expect(grouped(FLOWS, 2)).toEqual(FLOWS);
  });

  it("are drawn though there are none, or one that is tiny", () => {
    expect(laidOut([], 100, 4, 2)).toEqual({ left: [], right: [], bands: [], height: 1 });
    const tiny = laidOut(
      [
        { from: "a", to: "m", size: 1 },
        { from: "b", to: "m", size: 9999 },
      ],
      100,
      4,
      2,
    );
    expect(tiny.left.every((node) => node.height >= 2)).toBe(true);
  });
});
