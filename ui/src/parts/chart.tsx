/** How has a value moved? Lines or stacked areas, with exact figures, zoom, legend and a table. */

import { t } from "../i18n";
import { COLOURS } from "./drawing";
import { instant } from "./format";
import { type Line, type Mark, marksWithin } from "./lines";
import { Num } from "./num";
import { Plot } from "./plot";
import { place, refine } from "../state/place";
import { zoomWithin } from "./zoom";

export interface ChartProps {
  /** By which the address tells what of it is shown. */
  name: string;
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
  /** Where what happened in a step is looked at, one line of it or all; empty for nowhere. */
  leads?: (place: number, line?: Line) => string;
}

export function Chart(props: ChartProps) {
  const { name, lines, times, label } = props;
  const query = place.value.query;
  const hidden: ReadonlySet<string> = new Set(idsOf(query[`${name}.hide`]));
  const asTable = query[`${name}.table`] === "1";
  const isZoomed = zoomWithin(times) !== null;
  const visible = lines.filter((line) => !hidden.has(line.id));
  const toggle = (id: string) => {
    const next = new Set(hidden);
    if (!next.delete(id)) next.add(id);
    refine({ [`${name}.hide`]: next.size ? JSON.stringify([...next]) : "" });
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
        {isZoomed && !asTable ? (
          <ui5-button
            design="Transparent"
            icon="full-screen"
            tooltip={t("chart.unzoom")}
            accessible-name={`${t("chart.unzoom")}: ${label}`}
            onClick={() => refine({ zoom: "" })}
          />
        ) : null}
        <ui5-button
          design="Transparent"
          icon={asTable ? "line-chart" : "chart-table-view"}
          tooltip={asTable ? t("chart.as_chart") : t("chart.as_table")}
          accessible-name={`${asTable ? t("chart.as_chart") : t("chart.as_table")}: ${label}`}
          onClick={() => refine({ [`${name}.table`]: asTable ? "" : "1" })}
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

/** As they stand in the address; whatever else stands there hides nothing. */
function idsOf(text: string | undefined): readonly string[] {
  try {
    const found: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(found) ? found.map(String) : [];
  } catch {
    return [];
  }
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

function Figures({ times, lines, format, label, leads }: ChartProps) {
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
                <Time at={times[index] ?? 0} to={leads?.(index) ?? ""} />
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

function Time({ at, to }: { at: number; to: string }) {
  const words = <Num>{instant(1_000 * at)}</Num>;
  return to ? <a href={to}>{words}</a> : words;
}
