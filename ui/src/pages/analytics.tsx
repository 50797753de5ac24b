/** How has a metric gone over hours and days, and who has most of it? */

import { call } from "../api/client";
import type { RankingBody, TimeseriesBody } from "../api/schema";
import { type Key, t, tMaybe } from "../i18n";
import { Chart } from "../parts/chart";
import { Choice } from "../parts/choice";
import { count, dollars, duration, instant, percent, score, tokens } from "../parts/format";
import { Grid, type Shape } from "../parts/grid";
import { compared, type Line } from "../parts/lines";
import { Num } from "../parts/num";
import { Lazily } from "../parts/lazily";
import { Meter, Panel } from "../parts/panel";
import { useResource } from "../parts/resource";
import { toDecisions } from "../parts/spikes";
import { Shown } from "../parts/state";
import { currentView, Views } from "../parts/views";
import { agentName, isOne, modelName } from "../state/fleet";
import { place, refine } from "../state/place";

const METRICS = [
  "requests",
  "success_rate",
  "latency_p50",
  "latency_p95",
  "latency_p99",
  "first_token_p95",
  "cost_usd",
  "cost_per_success",
  "fallback_rate",
  "fallbacks",
  "faults",
  "refused",
  "prompt_tokens",
  "completion_tokens",
  "cache_hit_rate",
  "score",
] as const;
const DIMENSIONS = ["all", "model", "provider", "agent", "task_type", "strategy"] as const;
const SPANS = ["1h", "24h", "7d", "30d"] as const;
const SECONDS: Record<Span, number> = {
  "1h": 3_600,
  "24h": 86_400,
  "7d": 604_800,
  "30d": 2_592_000,
};
const MOST_LINES = 8;
const MOST_RANKED = 100;

type Metric = (typeof METRICS)[number];
export type Dimension = (typeof DIMENSIONS)[number];
type Span = (typeof SPANS)[number];

export const WRITTEN: Record<string, (value: number | null) => string> = {
  count,
  usd: dollars,
  share: percent,
  ms: duration,
  tokens,
  "0-100": score,
};

export interface Wish {
  metric: Metric;
  dimension: Dimension;
  span: Span;
  compare: boolean;
  /** Two members beside each other, or one; empty for the busiest. */
  name: string;
  versus: string;
}

function wished(): Wish {
  const { metric, by, span, compare, name = "", versus = "" } = place.value.query;
  return {
    metric: METRICS.find((each) => each === metric) ?? "requests",
    dimension: DIMENSIONS.find((each) => each === by) ?? "model",
    span: SPANS.find((each) => each === span) ?? "24h",
    compare: compare === "1",
    name,
    versus,
  };
}

const VIEWS = ["course", "heatmap", "outlook"] as const;
const LATER = {
  heatmap: () => import("./heatmap"),
  outlook: () => import("./outlook"),
};

export interface ViewProps {
  wish: Wish;
  title: string;
}

export default function Analytics() {
  const wish = wished();
  const view = currentView(VIEWS);
  const { metric, dimension, span, compare } = wish;
  const key = JSON.stringify(wish);
  const series = useResource(
    `series ${key}`,
    (signal) => {
      const range = compare ? doubled(span) : span;
      const query = {
        metric,
        dimension,
        range,
        step: compare ? stepOf(span) : null,
        name: wish.name || null,
        versus: wish.versus || null,
        limit: MOST_LINES,
      };
      return call<TimeseriesBody>("/timeseries", { query, signal });
    },
    true,
  );
  const ranked = dimension === "all" ? "model" : dimension;
  const ranking = useResource(
    `ranking ${metric} ${ranked} ${span}`,
    (signal) => {
      const query = { metric, dimension: ranked, range: span, limit: MOST_RANKED };
      return call<RankingBody>("/ranking", { query, signal });
    },
    true,
  );
  const title = t(`metric.${metric}`);
  return (
    <div class="page">
      <h1 class="unseen">{t("page.analytics")}</h1>
      <Views label={t("analytics.views")} names={VIEWS} prefix="analytics.view_" />
      <Wishes wish={wish} view={view} members={ranking.data?.ranking ?? []} />
      {view === "course" ? (
        <Panel title={title} hint={t(`span.${span}`)}>
          <Shown of={series} rows={6}>
            {(body) => <Course body={body} wish={wish} title={title} />}
          </Shown>
        </Panel>
      ) : (
        <Lazily key={view} load={LATER[view]} with={{ wish, title }} />
      )}
      <Panel title={t("analytics.ranking", { who: t(`dimension.${ranked}`) })} hint={title}>
        <Shown of={ranking} rows={6}>
          {(body) => (
            <Grid
              name="ranking"
              label={t("analytics.ranking", { who: t(`dimension.${ranked}`) })}
              rows={body.ranking}
              columns={columns(body, ranked)}
              id={(row) => row.name}
              height={10}
              empty={<p class="empty quiet">{t("chart.nothing")}</p>}
            />
          )}
        </Shown>
      </Panel>
    </div>
  );
}

interface WishesProps {
  wish: Wish;
  view: (typeof VIEWS)[number];
  members: readonly { name: string }[];
}

function Wishes({ wish, view, members }: WishesProps) {
  const options = (names: readonly string[], prefix: string) =>
    names.map((value) => ({ value, text: t(`${prefix}.${value}` as Key) }));
  return (
    <div class="filters" role="search" aria-label={t("filter.title")}>
      <Choice
        label={t("analytics.metric")}
        value={wish.metric}
        options={options(METRICS, "metric")}
        choose={(metric) => refine({ metric })}
      />
      <Choice
        label={t("analytics.by")}
        value={wish.dimension}
        options={options(DIMENSIONS, "dimension")}
        choose={(by) => refine({ by, name: "", versus: "" })}
      />
      <Choice
        label={t("filter.range")}
        value={wish.span}
        options={options(SPANS, "span")}
        choose={(span) => refine({ span })}
      />
      {wish.dimension === "all" || view === "heatmap" ? null : (
        <Members wish={wish} members={members} two={view === "course"} />
      )}
      {view === "course" ? (
        <label class="check">
          <input
            type="checkbox"
            checked={wish.compare}
            onChange={(event) => refine({ compare: event.currentTarget.checked ? "1" : "" })}
          />
          {t("analytics.compare")}
        </label>
      ) : null}
    </div>
  );
}

interface MembersProps {
  wish: Wish;
  members: readonly { name: string }[];
  two: boolean;
}

/** Of whom; and beside whom, where two are compared. */
function Members({ wish, members, two }: MembersProps) {
  const options = (any: string, chosen: string) => [
    { value: "", text: any },
    ...[...new Set([...members.map((each) => each.name), chosen])]
      .filter(Boolean)
      .map((value) => ({ value, text: nameOf(value, wish.dimension) })),
  ];
  return (
    <>
      <Choice
        label={t("analytics.member")}
        value={wish.name}
        options={options(t("analytics.busiest"), wish.name)}
        choose={(name) => refine({ name, ...(name ? {} : { versus: "" }) })}
      />
      {two && wish.name ? (
        <Choice
          label={t("analytics.versus")}
          value={wish.versus}
          options={options(t("analytics.alone"), wish.versus)}
          choose={(versus) => refine({ versus })}
        />
      ) : null}
    </>
  );
}

/** In the unit that its length is given in, so that the server takes it. */
function doubled(span: Span): string {
  return `${2 * Number.parseInt(span, 10)}${span.slice(-1)}`;
}

const STEPS: Record<Span, string> = { "1h": "1m", "24h": "1h", "7d": "1h", "30d": "1d" };
const stepOf = (span: Span) => STEPS[span];

export function nameOf(name: string, dimension: Dimension): string {
  if (dimension === "all") return t("dimension.all");
  if (dimension === "model") return modelName(name);
  if (dimension === "agent") return agentName(name);
  return isOne(name) ? name || "–" : t("overview.others");
}

/** Under which filters the decisions of one member are found. */
export function narrowedTo(name: string, { dimension }: Wish): Record<string, string> {
  if (dimension === "all" || !name || !isOne(name)) return {};
  if (dimension === "model" || dimension === "agent") return { [dimension]: name };
  return { "decisions.q": dimension === "provider" ? `${name}/` : name };
}

/** Where failures are counted, they are what is looked for. */
export const failedOnly = ({ metric }: Wish): Record<string, string> =>
  metric === "faults" || metric === "refused" ? { success: "false" } : {};

interface CourseProps {
  body: TimeseriesBody;
  wish: Wish;
  title: string;
}

function Course({ body, wish, title }: CourseProps) {
  const times = body.times.map((at) => Date.parse(at) / 1_000);
  const write = WRITTEN[body.unit] ?? count;
  const lines = body.series.map((each): Line => ({
    id: each.name,
    label: nameOf(each.name, wish.dimension),
    values: each.values,
    narrow: narrowedTo(each.name, wish),
  }));
  const shown = wish.compare
    ? compared(times, lines, SECONDS[wish.span], (label) => `${label} (${t("analytics.before")})`)
    : { times, lines };
  const adds = body.unit === "count" || body.unit === "tokens" || wish.metric === "cost_usd";
  if (!lines.length) return <p class="empty quiet">{t("chart.nothing")}</p>;
  return (
    <>
      <Chart
        label={title}
        times={shown.times}
        lines={shown.lines}
        leads={toDecisions({ times: shown.times, step_s: body.step_s, narrow: failedOnly(wish) })}
        format={write}
        height={300}
        stacked={adds && !wish.compare && lines.length > 1}
      />
      <p class="quiet">
        {t("analytics.until")} <Num>{instant(body.complete_until)}</Num>
      </p>
    </>
  );
}

type Ranked = RankingBody["ranking"][number];

function columns(body: RankingBody, dimension: Dimension): Shape<Ranked>[] {
  const write = WRITTEN[body.unit] ?? count;
  const most = Math.max(...body.ranking.map((each) => each.value), 0);
  return [
    {
      key: "name",
      title: t(`dimension.${dimension}`),
      width: "minmax(12rem, 1.5fr)",
      value: (row) => row.name,
      show: (row) => <bdi class="strong">{nameOf(row.name, dimension)}</bdi>,
    },
    {
      key: "value",
      title: tMaybe(`metric.${body.metric}`, body.metric),
      width: "minmax(8rem, 0.6fr)",
      end: true,
      value: (row) => row.value,
      show: (row) => <Num>{write(row.value)}</Num>,
    },
    {
      key: "of_most",
      title: t("analytics.of_most"),
      width: "minmax(10rem, 1fr)",
      value: (row) => (most ? row.value / most : 0),
      show: (row) => <Meter share={most ? row.value / most : 0} label={write(row.value)} />,
    },
  ];
}
