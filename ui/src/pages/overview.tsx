/** Is the fleet well, and which model or agent must I act on? */

import type { OverviewBody } from "../api/schema";
import { type Key, t } from "../i18n";
import { change, count, dollars, duration, percent, rate } from "../parts/format";
import { Num } from "../parts/num";
import { Panel } from "../parts/panel";
import { Spark } from "../parts/spark";
import { Empty, Failed, Loading } from "../parts/state";
import { askOnce, connection, overview, overviewError } from "../state/live";
import { decisionsHere, linkTo, range } from "../state/place";
import { OpenAlerts } from "./alert_list";
import { Charts } from "./course_charts";
import { LastDecisions } from "./last_decisions";
import { Worst } from "./worst";

const FEW_ALERTS = 5;

export function Overview() {
  const body = overview.value;
  if (!body) return overviewError.value ? <Trouble /> : <Bones />;
  const still = connection.value === "live" || connection.value === "connecting";
  return (
    <div class={still ? "page" : "page is-stale"}>
      <h1 class="unseen">{t("page.overview")}</h1>
      <Cards body={body} />
      <Panel title={t("page.alerts")} tools={<a href={linkTo("alerts")}>{t("alerts.all")}</a>}>
        <OpenAlerts most={FEW_ALERTS} />
      </Panel>
      {body.now.requests || body.points.some((point) => point.requests) ? (
        <Charts body={body} />
      ) : (
        <Panel title={t("overview.quiet")}>
          <Empty title={t("overview.no_requests")} command={firstRequest()}>
            {t("overview.try")}
          </Empty>
        </Panel>
      )}
      <div class="columns">
        <Worst title={t("overview.worst_models")} rows={body.models} page="models" />
        <Worst title={t("overview.worst_agents")} rows={body.agents} page="agents" />
      </div>
      <LastDecisions decisions={body.decisions} />
    </div>
  );
}

function Trouble() {
  return (
    <div class="page">
      <h1 class="unseen">{t("page.overview")}</h1>
      <Panel title={t("page.overview")}>
        <Failed error={overviewError.value} retry={() => void askOnce()} />
      </Panel>
    </div>
  );
}

function Bones() {
  return (
    <div class="page">
      <h1 class="unseen">{t("page.overview")}</h1>
      <div class="cards">
        {Array.from({ length: 5 }, (_, place) => (
          <div class="card" key={place}>
            <Loading rows={2} />
          </div>
        ))}
      </div>
      <Panel title={t("overview.latency")}>
        <Loading rows={5} />
      </Panel>
    </div>
  );
}

export function firstRequest(): string {
  const message = '{"model": "auto", "messages": [{"role": "user", "content": "Hello"}]}';
  return `curl ${location.origin}/v1/chat/completions -d '${message}'`;
}

interface Figure {
  key: "requests" | "success" | "latency" | "cost" | "fallbacks";
  of: (point: Omit<OverviewBody["points"][number], "at">) => number | null;
  show: (value: number | null) => string;
  /** Whether more of it is worse; without, neither way is. */
  worse?: boolean;
  more?: (body: OverviewBody) => string;
  /** What is good enough, if anybody has said so. */
  target?: (body: OverviewBody) => number | null;
}

const FIGURES: readonly Figure[] = [
  {
    key: "requests",
    of: (point) => point.requests_per_s,
    show: rate,
    more: (body) =>
      t("card.requests_more", { count: count(body.now.requests), flying: body.in_flight }),
  },
  {
    key: "success",
    of: (point) => point.success_rate,
    show: percent,
    worse: false,
    target: (body) => body.targets.success_rate,
    more: (body) => t("card.success_more", { count: count(body.now.failed_attempts) }),
  },
  {
    key: "latency",
    of: (point) => point.p95_ms,
    show: duration,
    worse: true,
    more: ({ now }) =>
      t("card.latency_more", { p50: duration(now.p50_ms), p99: duration(now.p99_ms) }),
  },
  {
    key: "cost",
    of: (point) => point.cost_usd_per_hour,
    show: dollars,
    worse: true,
    target: (body) => body.targets.cost_usd_per_hour,
    more: ({ now }) =>
      now.unpriced_answers
        ? t("card.cost_unpriced", { cost: dollars(now.cost_usd), count: now.unpriced_answers })
        : t("card.cost_more", { cost: dollars(now.cost_usd) }),
  },
  {
    key: "fallbacks",
    of: (point) => point.fallback_rate,
    show: percent,
    worse: true,
    more: () => t("card.fallbacks_more"),
  },
];

function Cards({ body }: { body: OverviewBody }) {
  return (
    <div class="cards">
      {FIGURES.map((figure) => (
        <Card key={figure.key} figure={figure} body={body} />
      ))}
    </div>
  );
}

const TO_DECISIONS: Record<Figure["key"], Record<string, string>> = {
  requests: {},
  success: { success: "false" },
  latency: {},
  cost: {},
  fallbacks: {},
};

function Card({ figure, body }: { figure: Figure; body: OverviewBody }) {
  const value = figure.of(body.now);
  const past = body.before ? figure.of(body.before) : null;
  const name = t(`card.${figure.key}` as Key);
  return (
    <a class="card" data-card={figure.key} href={decisionsHere(TO_DECISIONS[figure.key])}>
      <span class="card-name">{name}</span>
      <span class="card-value">
        <Num>{figure.show(value)}</Num>
        <Change
          now={value}
          past={past}
          {...(figure.worse === undefined ? {} : { worse: figure.worse })}
        />
      </span>
      <span class="card-more quiet">{figure.more?.(body)}</span>
      <Target figure={figure} body={body} value={value} />
      <Spark values={body.points.map((point) => figure.of(point))} />
    </a>
  );
}

/** Whether it is good enough, with a sign besides its colour. */
function Target({
  figure,
  body,
  value,
}: {
  figure: Figure;
  body: OverviewBody;
  value: number | null;
}) {
  const target = figure.target?.(body) ?? null;
  if (target === null) return null;
  const missed = value !== null && (figure.worse ? value > target : value < target);
  return (
    <span class={`card-target ${missed ? "wrong" : "quiet"}`}>
      <ui5-icon name={missed ? "alert" : "accept"} aria-hidden="true" />
      <span>
        {t(missed ? "card.target_missed" : "card.target")}{" "}
        <Num>{`${figure.worse ? "≤" : "≥"} ${figure.show(target)}`}</Num>
      </span>
    </span>
  );
}

/** Against the stretch before; said in words too, since a colour alone says nothing to many. */
function Change({
  now,
  past,
  worse,
}: {
  now: number | null;
  past: number | null;
  worse?: boolean;
}) {
  const text = change(now, past);
  if (text === null || now === null || past === null || now === past) return null;
  const rises = now > past;
  const tone = worse === undefined ? "plain" : rises === worse ? "bad" : "good";
  return (
    <span
      class={`change change-${tone}`}
      title={t("card.before", { range: t(`range.${range.value}` as Key) })}
    >
      <span aria-hidden="true">{rises ? "▲" : "▼"}</span> <Num>{text}</Num>
    </span>
  );
}
