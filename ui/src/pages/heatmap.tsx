/** At which hours of the day is a metric high, and for whom? */

import { call } from "../api/client";
import type { HeatmapBody } from "../api/schema";
import { t } from "../i18n";
import { count } from "../parts/format";
import { Num } from "../parts/num";
import { Panel } from "../parts/panel";
import { useResource } from "../parts/resource";
import { Shown } from "../parts/state";
import { lookedBack, nameOf, type ViewProps, WRITTEN } from "./analytics";

/** In percent: deeper, and text could not be read on it. */
const DEEPEST = 45;
const HOURS = Array.from({ length: 24 }, (_, hour) => hour);

export default function Heatmap({ wish, title }: ViewProps) {
  const dimension = wish.dimension === "all" ? "model" : wish.dimension;
  const query = {
    metric: wish.metric,
    dimension,
    ...lookedBack(wish),
    utc_offset_min: -new Date().getTimezoneOffset(),
  };
  const found = useResource(
    JSON.stringify(query),
    (signal) => call<HeatmapBody>("/heatmap", { query, signal }),
    true,
  );
  return (
    <Panel title={t("heatmap.title", { what: title })} hint={t(`span.${wish.span}`)}>
      <Shown of={found} rows={8}>
        {(body) =>
          body.rows.length ? (
            <Table body={body} dimension={dimension} />
          ) : (
            <p class="empty quiet">{t("chart.nothing")}</p>
          )
        }
      </Shown>
    </Panel>
  );
}

interface TableProps {
  body: HeatmapBody;
  dimension: ViewProps["wish"]["dimension"];
}

function Table({ body, dimension }: TableProps) {
  const write = WRITTEN[body.unit] ?? count;
  const known = body.rows.flatMap((row) => row.values).filter((value) => value !== null);
  const [least, most] = [Math.min(...known), Math.max(...known)];
  return (
    <>
      <div class="scroll matrix-frame" tabIndex={0} role="group" aria-label={t("heatmap.hours")}>
        <table class="matrix heat">
          <thead>
            <tr>
              <th scope="col">{t(`dimension.${dimension}`)}</th>
              {HOURS.map((hour) => (
                <th scope="col" key={hour}>
                  <Num>{String(hour).padStart(2, "0")}</Num>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {body.rows.map((row) => (
              <tr key={row.name}>
                <th scope="row">
                  <bdi>{nameOf(row.name, dimension)}</bdi>
                </th>
                {row.values.map((value, hour) => (
                  <Cell
                    key={hour}
                    value={value}
                    depth={depthOf(value, least, most)}
                    write={write}
                  />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="quiet heat-legend">
        <Num>{write(least)}</Num>
        <span class="heat-scale" aria-hidden="true" />
        <Num>{write(most)}</Num>
        <span>· {t("heatmap.words")}</span>
      </p>
    </>
  );
}

/** From 0 to 1 between the least and the most; nought of something that counts has no colour. */
export function depthOf(value: number | null, least: number, most: number): number {
  if (value === null || most <= least) return value ? 1 : 0;
  return (value - least) / (most - least);
}

interface CellProps {
  value: number | null;
  depth: number;
  write: (value: number | null) => string;
}

function Cell({ value, depth, write }: CellProps) {
  if (value === null) return <td class="quiet">·</td>;
  const share = Math.round(DEEPEST * depth);
  return (
    <td
      style={{
        background: `color-mix(in srgb, var(--sapChart_OrderedColor_1) ${share}%, transparent)`,
      }}
    >
      <Num>{value === 0 ? "0" : write(value)}</Num>
    </td>
  );
}
