/** What was decided, for whom, and what came of it? */

import { useState } from "preact/hooks";
import type { DecisionSummary } from "../api/client";
import type { DecisionsBody } from "../api/schema";
import { type Key, t } from "../i18n";
import { Choice } from "../parts/choice";
import { dollars, duration, instant, score } from "../parts/format";
import type { Shape } from "../parts/grid";
import { Num } from "../parts/num";
import { Paged, type Wish } from "../parts/paged";
import { Panel } from "../parts/panel";
import { Empty } from "../parts/state";
import {
  agentOptions,
  Instant,
  kindOptions,
  modelOptions,
  OneOf,
  providerOptions,
} from "../parts/wishes";
import { agentName, modelName } from "../state/fleet";
import {
  chooseRange,
  given,
  go,
  linkHere,
  place,
  RANGES,
  range,
  refine,
  stretch,
} from "../state/place";
import { Explanation } from "./explanation";
import { firstRequest } from "./overview";
import { Result } from "./result";

export default function Decisions() {
  const { id } = place.value;
  return id ? <Explanation key={id} id={id} /> : <List />;
}

const PAGE = 200;

/** From the address, by the names that the server has for it; a range as it is called. */
function wished(): Wish {
  const { agent, kind, model, provider, success, session } = place.value.query;
  const whose = { agent_id: agent, kind, model_id: model, provider, success, session };
  return given({ ...whose, ...stretchOfList() });
}

/** An own stretch, as a point of a chart leads to; else the range of all pages; else any time. */
function stretchOfList(): Record<string, string> {
  const { since, until, range: name } = place.value.query;
  if (since || until) return given({ since, until });
  if (!name) return {};
  const { start, end } = stretch.value;
  return start && end ? { since: start, until: end } : { range: range.value };
}

const SECONDS: Record<string, number> = { "5m": 300, "1h": 3_600, "24h": 86_400, "7d": 604_800 };

/** A range ends now, whenever that is. */
function asked({ range: name, ...wish }: Wish): Wish {
  const length_s = SECONDS[name ?? ""];
  if (length_s === undefined) return wish;
  return { ...wish, since: new Date(Date.now() - 1_000 * length_s).toISOString() };
}

function List() {
  const [turn, setTurn] = useState(0);
  return (
    <div class="page">
      <h1 class="unseen">{t("page.decisions")}</h1>
      <Panel
        title={t("page.decisions")}
        hint={t("decisions.hint")}
        tools={
          <ui5-button design="Transparent" icon="refresh" onClick={() => setTurn(turn + 1)}>
            {t("action.refresh")}
          </ui5-button>
        }
      >
        <div class="filters filters-plain" role="search" aria-label={t("filter.title")}>
          <Wishes />
        </div>
        <Paged
          name="decisions"
          label={t("page.decisions")}
          path="/decisions"
          files="/export/decisions"
          wish={wished()}
          asked={asked}
          page={PAGE}
          rowsOf={(body: DecisionsBody) => ({ ...body, rows: body.decisions })}
          columns={columns()}
          id={(row) => row.decision_id}
          open={(row) => go(linkHere(row.decision_id))}
          height={15}
          turn={turn}
          empty={<Empty title={t("decisions.none")} command={firstRequest()} />}
        />
      </Panel>
    </div>
  );
}

function Wishes() {
  const { agent = "", model = "", success = "", session = "" } = place.value.query;
  const { kind = "", provider = "" } = place.value.query;
  return (
    <>
      <WhenWishes />
      <OneOf name="kind" label={t("filter.kind")} value={kind} options={kindOptions.value} />
      <OneOf name="agent" label={t("filter.agent")} value={agent} options={agentOptions.value} />
      <OneOf
        name="provider"
        label={t("filter.provider")}
        value={provider}
        options={providerOptions.value}
      />
      <OneOf name="model" label={t("filter.model")} value={model} options={modelOptions.value} />
      <OneOf
        name="success"
        label={t("column.result")}
        value={success}
        options={[
          { value: "true", text: t("result.answered") },
          { value: "false", text: t("result.failed") },
        ]}
      />
      {session ? (
        <ui5-button design="Transparent" icon="decline" onClick={() => refine({ session: "" })}>
          {t("column.session")}: {session}
        </ui5-button>
      ) : null}
    </>
  );
}

/** A range that all pages know, or an own stretch. */
function WhenWishes() {
  const { since = "", until = "", range: name = "" } = stretchOfList();
  return (
    <>
      <Choice
        label={t("filter.range")}
        value={since || until ? "custom" : name}
        any={`${t("filter.range")}: ${t("filter.any")}`}
        options={RANGES.map((each) => ({ value: each, text: t(`range.${each}` as Key) }))}
        choose={chooseRange}
      />
      {since || until ? (
        <>
          <span class="filters-range">
            <Instant
              label={t("filter.start")}
              value={since}
              choose={(at) => refine({ since: at, until, start: "", end: "" })}
            />
            <Instant
              label={t("filter.end")}
              value={until}
              choose={(at) => refine({ since, until: at, start: "", end: "" })}
            />
          </span>
          <ui5-button design="Transparent" icon="decline" onClick={() => chooseRange("")}>
            {t("filter.any_time")}
          </ui5-button>
        </>
      ) : null}
    </>
  );
}

function columns(): Shape<DecisionSummary>[] {
  return [
    {
      key: "timestamp",
      title: t("column.time"),
      width: "minmax(9rem, 1fr)",
      value: (row) => row.timestamp,
      show: (row) => <Num>{instant(row.timestamp)}</Num>,
    },
    {
      key: "agent_id",
      title: t("column.agent"),
      width: "minmax(8rem, 1.2fr)",
      value: (row) => row.agent_id,
      show: (row) => <bdi>{agentName(row.agent_id)}</bdi>,
    },
    {
      key: "task_type",
      title: t("column.task"),
      width: "minmax(6rem, 0.8fr)",
      value: (row) => row.task_type,
      show: (row) => <bdi>{row.task_type ?? "–"}</bdi>,
    },
    {
      key: "served_model_id",
      title: t("column.model"),
      width: "minmax(10rem, 1.6fr)",
      value: (row) => row.served_model_id ?? row.model_id,
      show: (row) => <bdi>{modelName(row.served_model_id ?? row.model_id)}</bdi>,
    },
    {
      key: "result",
      title: t("column.result"),
      width: "minmax(9rem, 1.2fr)",
      value: (row) => (row.successful ? (row.is_fallback ? "fallback" : "answered") : row.failure),
      show: (row) => <Result of={row} />,
    },
    {
      key: "score",
      title: t("column.score"),
      width: "minmax(4.5rem, 0.5fr)",
      end: true,
      value: (row) => row.score,
      show: (row) => <Num>{score(row.score)}</Num>,
    },
    {
      key: "latency_ms",
      title: t("column.latency"),
      width: "minmax(5.5rem, 0.6fr)",
      end: true,
      value: (row) => row.latency_ms,
      show: (row) => <Num>{duration(row.latency_ms)}</Num>,
    },
    {
      key: "cost_usd",
      title: t("column.cost"),
      width: "minmax(6.75rem, 0.6fr)",
      end: true,
      value: (row) => row.cost_usd,
      show: (row) => <Num>{dollars(row.cost_usd)}</Num>,
    },
    {
      key: "decision_id",
      title: t("column.id"),
      width: "minmax(11rem, 1fr)",
      value: (row) => row.decision_id,
      show: (row) => (
        <code class="id" dir="ltr">
          {row.decision_id}
        </code>
      ),
    },
  ];
}
