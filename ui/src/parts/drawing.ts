/** How is a chart drawn: its lines, bands, axes and marks, in the colours of the theme? */

import type uPlot from "uplot";
import { tick } from "./format";
import { type Line, type Mark, stacked } from "./lines";

/** What of a chart its drawing depends on. */
export interface Drawn {
  lines: readonly Line[];
  /** Those that are hidden too: colours go by their places. */
  all: readonly Line[];
  format: (value: number | null) => string;
  stacked?: boolean;
  bands?: readonly (readonly [string, string])[];
  /** Called with the two ends, in seconds, of what was dragged over; without any for all. */
  pick: (from?: number, to?: number) => void;
}

export const COLOURS = 11;

export function aligned(
  times: readonly number[],
  lines: readonly Line[],
  pile: boolean,
): uPlot.AlignedData {
  const values = pile
    ? stacked(lines, times.length).reverse()
    : lines.map((line) => line.values as (number | null)[]);
  return [times as number[], ...values];
}

/** Nearer than so many pixels a line is meant by who clicks. */
const NEAR_PX = 24;

/** The line that is at that height of the plot, in pixels; for those on each other, whose area. */
export function lineAt(
  plot: uPlot,
  drawn: Pick<Drawn, "lines" | "stacked">,
  index: number,
  top: number,
): Line | undefined {
  const order = drawn.stacked ? [...drawn.lines].reverse() : drawn.lines;
  const heights = order.map((line, place) => ({
    line,
    y: plot.valToPos(plot.data[place + 1]?.[index] ?? Number.NaN, "y"),
  }));
  const known = heights.filter(({ y }) => !Number.isNaN(y));
  if (drawn.stacked) return known.filter(({ y }) => y <= top + 1).pop()?.line;
  const near = known
    .map(({ line, y }) => ({ line, far: Math.abs(y - top) }))
    .sort((a, b) => a.far - b.far)[0];
  return near && near.far <= NEAR_PX ? near.line : undefined;
}

/** Where a value has no neighbour, no line shows it. */
function alone(values: ArrayLike<number | null | undefined>): number[] {
  const known = (index: number) => (values[index] ?? null) !== null;
  return Array.from(values, (_, index) => index).filter(
    (index) => known(index) && !known(index - 1) && !known(index + 1),
  );
}

const MARK_TOKENS: Record<string, string> = {
  INFO: "--sapInformativeElementColor",
  WARNING: "--sapCriticalElementColor",
};

function drawMarks(plot: uPlot, marks: readonly Mark[]): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
  for (const mark of marks) {
    const x = Math.round(plot.valToPos(mark.at, "x", true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.strokeStyle = token(MARK_TOKENS[mark.severity] ?? "--sapNegativeElementColor");
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}

function token(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Of the colour of the upper line, thin enough to read what stands before it. */
function bandsOf(
  props: Drawn,
  drawn: readonly Line[],
  colour: (line: Line) => string,
): uPlot.Band[] {
  return (props.bands ?? []).flatMap(([upper, lower]) => {
    const [high, low] = [upper, lower].map((id) => drawn.findIndex((line) => line.id === id));
    const line = drawn[high ?? -1];
    if (!line || low === undefined || low < 0) return [];
    return [{ series: [(high ?? 0) + 1, low + 1], fill: `${colour(line)}2e` }];
  });
}

function seriesOf(line: Line, colour: string, pile: boolean): uPlot.Series {
  const own = { label: line.label, stroke: colour };
  if (pile) return { ...own, width: 1, points: { show: false }, fill: colour };
  if (line.dots) {
    return { ...own, paths: () => null, points: { show: true, size: 9, width: 2, stroke: colour } };
  }
  const filter = (plot: uPlot, index: number) => alone(plot.data[index] ?? []);
  const dash = line.dashed ? { dash: [6, 4] } : {};
  return { ...own, ...dash, width: line.thin ? 0.5 : 2, points: { size: 5, fill: colour, filter } };
}

/** The colours come from the theme: a canvas does not follow it by itself. */
export function options(
  props: Drawn,
  width: number,
  height: number,
  hover: (at: { index: number; x: number } | null) => void,
  marks: () => readonly Mark[],
): uPlot.Options {
  const { all, lines, format, pick } = props;
  const label = token("--sapContent_LabelColor");
  const grid = token("--sapGroup_ContentBorderColor");
  const font = `11px ${token("--sapFontFamily")}`;
  const colour = (line: Line) => {
    const place = all.findIndex((each) => each.id === line.id);
    return token(`--sapChart_OrderedColor_${line.colour ?? (place % COLOURS) + 1}`);
  };
  const drawn = props.stacked ? [...lines].reverse() : lines;
  const axis = { stroke: label, font, grid: { stroke: grid, width: 1 }, ticks: { show: false } };
  return {
    width,
    height,
    padding: [8, 28, 0, 0],
    legend: { show: false },
    cursor: {
      drag: { x: true, y: false, setScale: false },
      points: { size: 7 },
      bind: {
        dblclick: () => () => {
          pick();
          return null;
        },
      },
    },
    scales: {
      x: { time: true },
      y: { range: (_plot, _low, high) => [0, high > 0 ? 1.1 * high : 1] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 28,
        space: 72,
        values: ({ scales }, splits) => {
          const wide = (scales.x?.max ?? 0) - (scales.x?.min ?? 0);
          return splits.map((split) => tick(split, wide));
        },
      },
      {
        ...axis,
        size: 64,
        values: (_plot, splits) => splits.map((split) => (split ? format(split) : "0")),
      },
    ],
    bands: bandsOf(props, drawn, colour),
    series: [{}, ...drawn.map((line) => seriesOf(line, colour(line), props.stacked ?? false))],
    hooks: {
      draw: [(plot) => drawMarks(plot, marks())],
      setScale: [
        (plot) => {
          const { min, max } = plot.scales.x ?? {};
          plot.root.dataset.shows = `${min}~${max}`;
        },
      ],
      setCursor: [
        (plot) => {
          const { idx, left } = plot.cursor;
          hover(
            idx === null || idx === undefined || (left ?? -1) < 0
              ? null
              : { index: idx, x: (left ?? 0) + plot.bbox.left / devicePixelRatio },
          );
        },
      ],
      setSelect: [
        (plot) => {
          if (plot.select.width < 4) return;
          const { left, width: wide } = plot.select;
          pick(plot.posToVal(left, "x"), plot.posToVal(left + wide, "x"));
        },
      ],
    },
  };
}
