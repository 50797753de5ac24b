/** How is a chart looked at point by point, and where does a point lead, by mouse and by keyboard? */

import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { language, t } from "../i18n";
import { painted } from "../state/looks";
import { go, refine, zoom, zoomTo } from "../state/place";
import type { ChartProps } from "./chart";
import { aligned, lineAt, options } from "./drawing";
import { instant } from "./format";
import type { Line, Mark } from "./lines";
import { zoomWithin } from "./zoom";

const SHORTEST_PAUSE_MS = 500;
/** A mouse that has moved so far in between has dragged, and clicked nothing. */
const STILL_PX = 4;

/** The step that is looked at, in seconds; and one line of it, or all. */
interface Spot {
  time: number;
  line: string | null;
}

type PlotProps = ChartProps & { all: readonly Line[] };

/** The drawing itself: made anew when it is another, given its new figures at most twice a second. */
function useDrawing(props: PlotProps, setPointed: (place: number | null) => void) {
  const { times, lines, height = 220 } = props;
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const drawn = useRef(0);
  const paint = painted.value;
  const spoken = language.value;
  const looked = zoom.value;
  const key = `${lines.map((line) => line.id).join("\n")}|${props.stacked}|${paint}|${spoken}`;
  const table = useMemo(
    () => aligned(times, lines, props.stacked ?? false),
    [times, lines, props.stacked],
  );
  const latest = useRef({ table, props });
  latest.current = { table, props };

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const marks = (): readonly Mark[] => latest.current.props.marks ?? [];
    const wide = element.clientWidth;
    const made = new uPlot(
      options({ ...props, pick }, wide, height, (at) => setPointed(at?.index ?? null), marks),
      latest.current.table,
      element,
    );
    plot.current = made;
    made.over.setAttribute("aria-hidden", "true");
    const forget = clicked(made, () => latest.current.props);
    const sized = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height }));
    sized.observe(element);
    return () => {
      forget();
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
      if (plot.current) show(plot.current, table, latest.current.props.times);
    }, wait);
    return () => clearTimeout(timer);
  }, [table]);
  useLayoutEffect(() => {
    // Not before all charts have been drawn: what is looked at is the same for each.
    if (plot.current) show(plot.current, latest.current.table, latest.current.props.times);
  }, [key, height, looked]);
  return { box, plot };
}

/** What is dragged over is looked at closely, and the address says so. */
function pick(from?: number, to?: number): void {
  if (from === undefined || to === undefined) refine({ zoom: "" });
  else zoomTo(from, to);
}

function show(plot: uPlot, table: uPlot.AlignedData, times: readonly number[]): void {
  const part = zoomWithin(times);
  plot.batch(() => {
    plot.setData(table, part === null);
    if (part) plot.setScale("x", { min: part[0], max: part[1] });
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  });
}

export function Plot(props: PlotProps) {
  const { times, lines, leads } = props;
  const [spot, setSpot] = useState<Spot | null>(null);
  const [pointed, setPointed] = useState<number | null>(null);
  const { box, plot } = useDrawing(props, setPointed);
  const walked = spot === null ? -1 : Math.max(0, times.indexOf(spot.time));
  const at = pointed ?? (spot === null ? null : walked);
  const line = lines.find((each) => each.id === spot?.line);
  const last = times.length - 1;
  return (
    <div
      class={leads ? "plot plot-leads" : "plot"}
      ref={box}
      dir="ltr"
      tabIndex={0}
      role="slider"
      aria-label={`${props.label}${leads ? `. ${t("chart.walk")}` : ""}`}
      aria-valuemin={0}
      aria-valuemax={last}
      aria-valuenow={spot === null ? last : walked}
      aria-valuetext={said(props, spot === null ? last : walked, line)}
      onFocus={(event) => {
        if (event.currentTarget.matches(":focus-visible")) {
          setSpot({ time: times[last] ?? 0, line: null });
        }
      }}
      onBlur={() => setSpot(null)}
      onKeyDown={(event) => {
        const from = spot ?? { time: times[last] ?? 0, line: null };
        const next = stepped(event.key, from, props);
        const to = event.key === "Enter" && spot ? leads?.(walked, line) : "";
        if (next) setSpot(next);
        else if (to) go(to);
        else return;
        setPointed(null);
        event.preventDefault();
      }}
    >
      {at === null ? null : (
        <Tip
          {...props}
          index={at}
          x={placeOf(plot.current, times[at])}
          wide={box.current?.clientWidth ?? 0}
          line={line}
        />
      )}
    </div>
  );
}

/** Of a time, in pixels from the edge of the chart. */
function placeOf(plot: uPlot | null, time: number | undefined): number {
  if (!plot || time === undefined) return 0;
  return plot.valToPos(time, "x") + plot.bbox.left / devicePixelRatio;
}

/** Go where a click leads that was no drag. Returns how to stop listening. */
function clicked(plot: uPlot, props: () => PlotProps): () => void {
  let downAt = { x: 0, y: 0 };
  const down = (event: MouseEvent) => {
    downAt = { x: event.clientX, y: event.clientY };
  };
  const click = (event: MouseEvent) => {
    const far = Math.hypot(event.clientX - downAt.x, event.clientY - downAt.y);
    const { idx, top = -1 } = plot.cursor;
    if (far > STILL_PX || event.button || idx === null || idx === undefined) return;
    const now = props();
    const to = now.leads?.(idx, lineAt(plot, now, idx, top));
    if (to) go(to);
  };
  plot.over.addEventListener("mousedown", down);
  plot.over.addEventListener("click", click);
  return () => {
    plot.over.removeEventListener("mousedown", down);
    plot.over.removeEventListener("click", click);
  };
}

const PAGE = 10;
const STEPS: Record<string, (at: number, last: number) => number> = {
  ArrowLeft: (at) => at - 1,
  ArrowRight: (at) => at + 1,
  PageUp: (at) => at + PAGE,
  PageDown: (at) => at - PAGE,
  Home: () => 0,
  End: (_, last) => last,
};
const TURNS: Record<string, number> = { ArrowUp: -1, ArrowDown: 1 };

/** Where a key leads: along the steps, or from all lines to each of them; null where nowhere. */
function stepped(key: string, from: Spot, { times, lines }: ChartProps): Spot | null {
  const last = times.length - 1;
  const step = STEPS[key];
  if (step) {
    const place = step(Math.max(0, times.indexOf(from.time)), last);
    return { ...from, time: times[Math.max(0, Math.min(last, place))] ?? from.time };
  }
  const turn = TURNS[key];
  if (turn === undefined) return null;
  const names = [null, ...lines.map((line) => line.id)];
  const place = Math.max(0, names.indexOf(from.line));
  return { ...from, line: names[(place + turn + names.length) % names.length] ?? null };
}

/** What is at a point, for who cannot see it. */
function said({ times, lines, format }: ChartProps, index: number, line?: Line): string {
  const values = (line ? [line] : lines).map(
    (each) => `${each.label} ${format(each.values[index] ?? null)}`,
  );
  return `${instant(1_000 * (times[index] ?? 0))}: ${values.join(", ")}`;
}

interface TipProps extends ChartProps {
  index: number;
  /** Where the point is, and how wide the chart is, in pixels. */
  x: number;
  wide: number;
  line: Line | undefined;
}

function Tip({ times, lines, format, leads, index, x, wide, line: chosen }: TipProps) {
  const time = times[index];
  if (time === undefined) return null;
  return (
    <div class="tip" style={{ left: `${x}px` }} data-side={x > wide / 2 ? "before" : "after"}>
      <strong>{instant(1_000 * time)}</strong>
      {lines.map((line) => (
        <span key={line.id} class={line === chosen ? "tip-line is-chosen" : "tip-line"}>
          <span>{line.label}</span>
          <span class="num">{format(line.values[index] ?? null)}</span>
        </span>
      ))}
      {leads?.(index) ? <span class="tip-more">{t("chart.leads")}</span> : null}
    </div>
  );
}
