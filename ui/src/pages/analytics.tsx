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
import { EndsOfRange } from "../parts/wishes";
import { chooseRange, place, range, refine, stretch } from "../state/place";

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
const SPANS = ["5m", "1h", "24h", "7d", "30d", "custom"] as const;
const DAY_S = 86_400;
const SECONDS: Record<Exclude<Span, "custom">, number> = {
  "5m": 300,
  "1h": 3_600,
  "24h": DAY_S,
  "7d": 7 * DAY_S,
  "30d": 30 * DAY_S,
};
const LONGEST_S = 400 * DAY_S;
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
  /** Of a range of one's own. */
  ends: Readonly<Record<string, string>>;
  compare: boolean;
  /** Two members beside each other, or one; empty for the busiest. */
  name: string;
  versus: string;
}

/** Its own, which may be longer, or the range of all pages; a day where none is chosen. */
function spanOf(name: string | undefined): Span {
  const shared = place.value.query.range ? range.value : "24h";
  return SPANS.find((each) => each === name) ?? shared;
}

function wished(): Wish {
  const { metric, by, span, compare, name = "", versus = "" } = place.value.query;
  return {
    metric: METRICS.find((each) => each === metric) ?? "requests",
    dimension: DIMENSIONS.find((each) => each === by) ?? "model",
    span: spanOf(span),
    ends: spanOf(span) === "custom" ? stretch.value : {},
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
  const { metric, dimension } = wish;
  const ranked = dimension === "all" ? "model" : dimension;
  const ranking = useResource(
    `ranking ${metric} ${ranked} ${JSON.stringify(lookedBack(wish))}`,
    (signal) => {
      const query = { metric, dimension: ranked, ...lookedBack(wish), limit: MOST_RANKED };
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
        <CourseView wish={wish} title={title} />
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

function CourseView({ wish, title }: ViewProps) {
  const { metric, dimension, compare } = wish;
  const series = useResource(
    JSON.stringify(wish),
    (signal) => {
      const query = {
        metric,
        dimension,
        ...(compare ? lookedBackTwice(wish) : lookedBack(wish)),
        name: wish.name || null,
        versus: wish.versus || null,
        limit: MOST_LINES,
      };
      return call<TimeseriesBody>("/timeseries", { query, signal });
    },
    true,
  );
  return (
    <Panel title={title} hint={t(`span.${wish.span}`)}>
      <Shown of={series} rows={6}>
        {(body) => <Course body={body} wish={wish} title={title} />}
      </Shown>
    </Panel>
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
        choose={chooseSpan}
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
      {wish.span === "custom" ? <EndsOfRange /> : null}
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

/** What other pages have as well is theirs, too. */
function chooseSpan(span: string): void {
  if (span !== "30d") chooseRange(span);
  refine({ span: span === "30d" ? span : "", zoom: "" });
}

/** In seconds, whole minutes. */
function lengthOf({ span, ends }: Wish): number {
  if (span !== "custom") return SECONDS[span];
  return 60 * Math.ceil((Date.parse(ends.end ?? "") - Date.parse(ends.start ?? "")) / 60_000);
}

const minutes = (seconds: number) => `${Math.min(seconds, LONGEST_S) / 60}m`;
const until = ({ ends }: Wish): Record<string, string> => (ends.end ? { until: ends.end } : {});

/** How far, and from when, as the server is asked. */
export const lookedBack = (wish: Wish): Record<string, string> => ({
  range: minutes(lengthOf(wish)),
  ...until(wish),
});

/** As far again, in steps of which the half is made up. */
function lookedBackTwice(wish: Wish): Record<string, string> {
  const step = minutes(stepOf(wish));
  return { range: minutes(2 * halfOf(wish)), step, ...until(wish) };
}

const stepOf = (wish: Wish) => {
  const length = lengthOf(wish);
  return length <= 10_800 ? 60 : length <= 8 * DAY_S ? 3_600 : DAY_S;
};
const halfOf = (wish: Wish) => Math.ceil(lengthOf(wish) / stepOf(wish)) * stepOf(wish);

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
    ? compared(times, lines, halfOf(wish), (label) => `${label} (${t("analytics.before")})`)
    : { times, lines };
  const adds = body.unit === "count" || body.unit === "tokens" || wish.metric === "cost_usd";
  if (!lines.length) return <p class="empty quiet">{t("chart.nothing")}</p>;
  return (
    <>
      <Chart
        name="course"
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
      width: "minmax(9rem, 1.5fr)",
      value: (row) => row.name,
      show: (row) => <bdi class="strong">{nameOf(row.name, dimension)}</bdi>,
    },
    {
      key: "value",
      title: tMaybe(`metric.${body.metric}`, body.metric),
      width: "minmax(6.5rem, 0.6fr)",
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
