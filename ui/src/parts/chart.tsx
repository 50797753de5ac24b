/** How has a value moved? Lines or stacked areas, with exact figures, zoom, legend and a table. */

import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { language, t } from "../i18n";
import { painted } from "../state/looks";
import { instant, tick } from "./format";
import { type Line, type Mark, marksWithin, stacked } from "./lines";
import { Num } from "./num";

interface ChartProps {
  label: string;
  /** Seconds since 1970, rising. */
  times: readonly number[];
  lines: readonly Line[];
  format: (value: number | null) => string;
  stacked?: boolean;
  height?: number;
  /** Instants that are shown across the lines. */
  marks?: readonly Mark[];
  /** Between which lines, by their ids, the area is filled. */
  bands?: readonly (readonly [string, string])[];
  /** Called with the two ends, in seconds, of what was dragged over. */
  pick?: (from: number, to: number) => void;
}

const COLOURS = 11;

export function Chart(props: ChartProps) {
  const { lines, times, label } = props;
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const [asTable, setAsTable] = useState(false);
  const visible = lines.filter((line) => !hidden.has(line.id));
  const toggle = (id: string) => {
    const next = new Set(hidden);
    if (!next.delete(id)) next.add(id);
    setHidden(next);
  };
  return (
    <figure class="chart" aria-label={label}>
      <div class="legend legend-of-chart">
        <span class="legend">
          {lines.map((line, place) => (
            <button
              type="button"
              key={line.id}
              class="legend-entry"
              aria-pressed={!hidden.has(line.id)}
              onClick={() => toggle(line.id)}
            >
              <span class={`swatch swatch-${line.colour ?? (place % COLOURS) + 1}`} />
              <bdi>{line.label}</bdi>
            </button>
          ))}
        </span>
        <ui5-button
          design="Transparent"
          icon={asTable ? "line-chart" : "chart-table-view"}
          tooltip={asTable ? t("chart.as_chart") : t("chart.as_table")}
          accessible-name={`${asTable ? t("chart.as_chart") : t("chart.as_table")}: ${label}`}
          onClick={() => setAsTable(!asTable)}
        />
      </div>
      {asTable ? (
        <Figures {...props} lines={visible} />
      ) : times.length ? (
        <Plot {...props} lines={visible} all={lines} />
      ) : (
        <p class="empty quiet">{t("chart.nothing")}</p>
      )}
      <Marks {...props} />
    </figure>
  );
}

const MOST_MARKS = 6;

/** In words what the lines across the chart are, on the way to each. */
function Marks({ marks = [], times }: ChartProps) {
  const shown = marksWithin(marks, times);
  if (!shown.length) return null;
  return (
    <ul class="marks">
      {shown.slice(-MOST_MARKS).map((mark) => (
        <li key={mark.href}>
          <span class={`mark-sign mark-${mark.severity}`} aria-hidden="true" />
          <Num>{instant(1_000 * mark.at)}</Num>{" "}
          <a href={mark.href}>
            <bdi>{mark.label}</bdi>
          </a>
        </li>
      ))}
      {shown.length > MOST_MARKS ? (
        <li class="quiet">{t("chart.more_marks", { count: shown.length - MOST_MARKS })}</li>
      ) : null}
    </ul>
  );
}

function Figures({ times, lines, format, label }: ChartProps) {
  const newest = times.map((_, index) => times.length - 1 - index);
  return (
    <div class="figures" tabIndex={0} role="group" aria-label={label}>
      <table>
        <thead>
          <tr>
            <th scope="col">{t("chart.time")}</th>
            {lines.map((line) => (
              <th scope="col" key={line.id} class="end">
                {line.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {newest.map((index) => (
            <tr key={index}>
              <th scope="row">
                <Num>{instant(1_000 * (times[index] ?? 0))}</Num>
              </th>
              {lines.map((line) => (
                <td key={line.id} class="end">
                  <Num>{format(line.values[index] ?? null)}</Num>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const SHORTEST_PAUSE_MS = 500;

function Plot(props: ChartProps & { all: readonly Line[] }) {
  const { times, lines, all, height = 220 } = props;
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const drawn = useRef(0);
  const [over, setOver] = useState<{ index: number; x: number } | null>(null);
  const paint = painted.value;
  const spoken = language.value;
  const key = `${lines.map((line) => line.id).join("\n")}|${props.stacked}|${paint}|${spoken}`;
  const table = useMemo(
    () => aligned(times, lines, props.stacked ?? false),
    [times, lines, props.stacked],
  );
  const latest = useRef(table);
  latest.current = table;
  const marks = useRef<readonly Mark[]>([]);
  marks.current = props.marks ?? [];

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const made = new uPlot(
      options(props, all, element.clientWidth, height, setOver, () => marks.current),
      latest.current,
      element,
    );
    plot.current = made;
    made.over.setAttribute("aria-hidden", "true");
    const sized = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    sized.observe(element);
    return () => {
      sized.disconnect();
      made.destroy();
      plot.current = null;
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps -- `key` says what makes it another plot
  }, [key, height]);

  useLayoutEffect(() => {
    const wait = Math.max(0, drawn.current + SHORTEST_PAUSE_MS - performance.now());
    const timer = setTimeout(() => {
      drawn.current = performance.now();
      plot.current?.setData(
        table,
        plot.current.scales.x?.min === undefined || !zoomed(plot.current),
      );
    }, wait);
    return () => clearTimeout(timer);
  }, [table]);

  return (
    <div class="plot" ref={box} dir="ltr">
      {over ? <Tip {...props} at={over} /> : null}
    </div>
  );
}

const ZOOMED = new WeakSet<uPlot>();
const zoomed = (plot: uPlot) => ZOOMED.has(plot);

function aligned(
  times: readonly number[],
  lines: readonly Line[],
  pile: boolean,
): uPlot.AlignedData {
  const values = pile
    ? stacked(lines, times.length).reverse()
    : lines.map((line) => line.values as (number | null)[]);
  return [times as number[], ...values];
}

function Tip({ times, lines, format, at }: ChartProps & { at: { index: number; x: number } }) {
  const time = times[at.index];
  if (time === undefined) return null;
  return (
    <div class="tip" style={{ left: `${at.x}px` }} data-side={at.x > 320 ? "before" : "after"}>
      <strong>{instant(1_000 * time)}</strong>
      {lines.map((line) => (
        <span key={line.id} class="tip-line">
          <span>{line.label}</span>
          <span class="num">{format(line.values[at.index] ?? null)}</span>
        </span>
      ))}
    </div>
  );
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
  props: ChartProps,
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
function options(
  props: ChartProps,
  all: readonly Line[],
  width: number,
  height: number,
  hover: (at: { index: number; x: number } | null) => void,
  marks: () => readonly Mark[],
): uPlot.Options {
  const { lines, format, pick } = props;
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
      drag: { x: true, y: false, setScale: true },
      points: { size: 7 },
      bind: {
        dblclick: (plot, _target, handler) => (event) => {
          ZOOMED.delete(plot);
          return handler(event);
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
          ZOOMED.add(plot);
          const { left, width: wide } = plot.select;
          pick?.(plot.posToVal(left, "x"), plot.posToVal(left + wide, "x"));
        },
      ],
    },
  };
}
