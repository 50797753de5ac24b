/** What would have been usual, what was not, and what is ahead if all goes on as it has? */

import { call } from "../api/client";
import type { OutlookBody } from "../api/schema";
import { t } from "../i18n";
import { Chart } from "../parts/chart";
import { Few } from "../parts/few";
import { count, instant } from "../parts/format";
import type { Line } from "../parts/lines";
import { Num } from "../parts/num";
import { Panel, Tag } from "../parts/panel";
import { useResource } from "../parts/resource";
import { toDecisions } from "../parts/spikes";
import { Shown } from "../parts/state";
import {
  failedOnly,
  lookedBack,
  nameOf,
  narrowedTo,
  type ViewProps,
  type Wish,
  WRITTEN,
} from "./analytics";

const MOST_ROWS = 20;

export default function OutlookView({ wish, title }: ViewProps) {
  const query = {
    metric: wish.metric,
    dimension: wish.dimension,
    ...lookedBack(wish),
    name: wish.name || null,
  };
  const found = useResource(
    JSON.stringify(query),
    (signal) => call<OutlookBody>("/outlook", { query, signal }),
    true,
  );
  return (
    <Shown of={found} rows={8}>
      {(body) => {
        const whose = wish.dimension === "all" ? "" : ` · ${nameOf(body.name, wish.dimension)}`;
        return (
          <>
            <Panel title={`${title}${whose}`} hint={t(`span.${wish.span}`)}>
              <Known body={body} />
              {body.values.some((value) => value !== null) ? (
                <Chart
                  name="outlook"
                  label={title}
                  {...courseOf(body, wish)}
                  lines={linesOf(body)}
                  bands={[["high", "low"]]}
                  format={WRITTEN[body.unit] ?? count}
                  height={320}
                />
              ) : (
                <p class="empty quiet">{t("chart.nothing")}</p>
              )}
            </Panel>
            <Unusual body={body} />
          </>
        );
      }}
    </Shown>
  );
}

function courseOf(body: OutlookBody, wish: Wish) {
  const times = [...body.times, ...body.ahead_times].map((at) => Date.parse(at) / 1_000);
  const narrow = { ...narrowedTo(body.name, wish), ...failedOnly(wish) };
  const step_s = (times[1] ?? 0) - (times[0] ?? 0);
  return { times, leads: toDecisions({ times, step_s, narrow }) };
}

/** The values, what is usual at their times, those that are not, and what is ahead. */
export function linesOf(body: OutlookBody): Line[] {
  const past = body.times.map(() => null);
  const ahead = body.ahead_times.map(() => null);
  const last = body.values.length - 1;
  const unusual = new Set(body.unusual);
  // It begins where the values end, so that the line does not break off.
  const joined = past.map((_, place) => (place === last ? (body.values[place] ?? null) : null));
  return [
    { id: "value", label: t("outlook.value"), colour: 1, values: [...body.values, ...ahead] },
    {
      id: "expected",
      label: t("outlook.expected"),
      colour: 5,
      values: [...body.expected, ...ahead],
    },
    {
      id: "ahead",
      label: t("outlook.ahead"),
      colour: 2,
      dashed: true,
      values: [...joined, ...body.ahead],
    },
    {
      id: "unusual",
      label: t("outlook.unusual"),
      colour: 3,
      dots: true,
      values: [...body.values.map((value, place) => (unusual.has(place) ? value : null)), ...ahead],
    },
    {
      id: "high",
      label: t("outlook.high"),
      colour: 5,
      thin: true,
      values: [...body.high, ...body.ahead_high],
    },
    {
      id: "low",
      label: t("outlook.low"),
      colour: 5,
      thin: true,
      values: [...body.low, ...body.ahead_low],
    },
  ];
}

/** What can be said, and what cannot be yet. */
function Known({ body }: { body: OutlookBody }) {
  const write = WRITTEN[body.unit] ?? count;
  const fine = (value: number) =>
    body.unit === "count" && value < 100 ? value.toFixed(2) : write(value);
  const signed = (value: number) => `${value < 0 ? "−" : "+"}${fine(Math.abs(value))}`;
  const { trend } = body;
  return (
    <div class="tags outlook-tags">
      {trend ? (
        <>
          <Tag tone="plain">
            {t(trend.sure ? "outlook.trend" : "outlook.no_trend")}{" "}
            <Num>{`${signed(trend.per_day)} (${signed(trend.low)} … ${signed(trend.high)})`}</Num>
          </Tag>
        </>
      ) : (
        <Tag tone="info">{t("outlook.too_few_values")}</Tag>
      )}
      {body.season_s === null ? (
        <Tag tone="info">{t("outlook.too_few_days")}</Tag>
      ) : (
        <Tag tone="plain">{t(body.season_s > 86_400 ? "outlook.by_week" : "outlook.by_day")}</Tag>
      )}
    </div>
  );
}

function Unusual({ body }: { body: OutlookBody }) {
  const write = WRITTEN[body.unit] ?? count;
  const rows = [...body.unusual].reverse().slice(0, MOST_ROWS);
  return (
    <Panel title={t("outlook.unusual_title")} hint={t("outlook.unusual_hint")}>
      {rows.length ? (
        <Few
          label={t("outlook.unusual_title")}
          heads={[
            t("column.time"),
            { text: t("outlook.value"), end: true },
            { text: t("outlook.expected"), end: true },
            { text: t("outlook.between"), end: true },
          ]}
        >
          {rows.map((place) => (
            <tr key={place}>
              <th scope="row">
                <Num>{instant(body.times[place])}</Num>
              </th>
              <td class="end">
                <Num>{write(body.values[place] ?? null)}</Num>
              </td>
              <td class="end">
                <Num>{write(body.expected[place] ?? null)}</Num>
              </td>
              <td class="end">
                <Num>{`${write(body.low[place] ?? null)} … ${write(body.high[place] ?? null)}`}</Num>
              </td>
            </tr>
          ))}
        </Few>
      ) : (
        <p class="empty quiet">
          {t(body.season_s === null ? "outlook.too_few_days" : "outlook.nothing_unusual")}
        </p>
      )}
    </Panel>
  );
}
