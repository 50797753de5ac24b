/** Which agents are there, where do they stand, and how are they served? */

import { type Agent, call } from "../api/client";
import { useState } from "preact/hooks";
import type { AgentsBody } from "../api/schema";
import { t, tMaybe } from "../i18n";
import { count, dollars, duration, score } from "../parts/format";
import { Grid, type Shape } from "../parts/grid";
import { Lazily } from "../parts/lazily";
import { Num } from "../parts/num";
import { Panel, Tag } from "../parts/panel";
import { useResource } from "../parts/resource";
import { Empty, Shown } from "../parts/state";
import { Success } from "../parts/success";
import { currentView, Views } from "../parts/views";
import { modelName } from "../state/fleet";
import { every } from "../state/live";
import { given, go, linkTo, place, stretch } from "../state/place";
import { AutoAssign } from "./auto_assign";
import { OneAgent } from "./one_agent";
import { Runs } from "./runs";

/** So many are asked for again at the cadence; beyond, it takes a while to tell of all. */
const MANY = 1_000;
const SECONDS_FOR_MANY = 30;
const VIEWS = ["grid", "flow", "matrix"] as const;
const fleetViews = () => import("./fleet_views");

export default function Agents() {
  const { id } = place.value;
  return id ? <OneAgent key={id} id={id} /> : <All />;
}

function All() {
  const [planning, setPlanning] = useState(false);
  const [changes, setChanges] = useState(0);
  const changed = () => setChanges((n) => n + 1);
  const view = currentView(VIEWS);
  return (
    <div class="page">
      <h1 class="unseen">{t("page.agents")}</h1>
      <Panel
        title={t("page.agents")}
        hint={t("agents.hint")}
        tools={
          <ui5-button design="Emphasized" icon="decision" onClick={() => setPlanning(true)}>
            {t("assign.auto")}
          </ui5-button>
        }
      >
        <Views label={t("flow.views")} names={VIEWS} prefix="flow.view_" />
        {view === "grid" ? (
          <AllInRows key={changes} />
        ) : (
          <Lazily key={changes} load={fleetViews} with={{ view }} />
        )}
      </Panel>
      <Runs key={changes} changed={changed} />
      {planning ? <AutoAssign close={() => setPlanning(false)} changed={changed} /> : null}
    </div>
  );
}

function AllInRows() {
  const { agent, kind } = place.value.query;
  const query = { ...stretch.value, ...given({ agent_id: agent, kind }) };
  const [many, setMany] = useState(false);
  const found = useResource(
    JSON.stringify(query),
    async (signal) => {
      const body = await call<AgentsBody>("/agents", { query, signal });
      setMany(body.total_count > MANY);
      return body;
    },
    many ? SECONDS_FOR_MANY : every.value,
  );
  return (
    <Shown of={found} rows={8}>
      {(body) => (
        <>
          <Grid
            name="agents"
            label={t("page.agents")}
            rows={body.agents}
            columns={columns(body.told_apart)}
            id={(row) => row.agent_id}
            open={(row) => go(linkTo("agents", row.agent_id))}
            height={12}
            empty={<Empty title={t("agents.none")} command="pointsman init" />}
          />
          {body.told_apart ? null : <p class="quiet">{t("agents.not_told_apart")}</p>}
        </>
      )}
    </Shown>
  );
}

/** Where not all are told apart, who has no figures may have been asked all the same. */
function columns(toldApart: boolean): Shape<Agent>[] {
  const attempts = (row: Agent) => row.did?.attempts ?? (toldApart ? 0 : null);
  return [
    {
      key: "agent_id",
      title: t("column.agent"),
      width: "minmax(10rem, 1.4fr)",
      value: (row) => (row.name === row.agent_id ? row.name : `${row.name} ${row.agent_id}`),
      show: (row) => <bdi class="strong">{row.name}</bdi>,
    },
    {
      key: "kind",
      title: t("filter.kind"),
      width: "minmax(6rem, 0.8fr)",
      value: (row) => row.kind,
      show: (row) => <bdi>{row.kind || "–"}</bdi>,
    },
    {
      key: "status",
      title: t("column.status"),
      width: "minmax(6.5rem, 0.7fr)",
      value: (row) => row.status,
      show: (row) => (
        <Tag tone={row.status === "online" ? "good" : "plain"}>
          {tMaybe(`status.${row.status}`, row.status)}
        </Tag>
      ),
    },
    {
      key: "needs",
      title: t("explain.needs"),
      width: "minmax(10rem, 1.6fr)",
      value: (row) => [...row.required_capabilities, ...row.preferred_capabilities].join(", "),
      show: (row) => <Needs agent={row} />,
    },
    {
      key: "model_id",
      title: t("assign.stands_on"),
      width: "minmax(11rem, 1.3fr)",
      value: (row) => row.stands_on?.model_id ?? row.pinned_model,
      show: (row) => <Standing row={row} />,
    },
    {
      key: "match_score",
      title: t("assign.match"),
      width: "minmax(5rem, 0.5fr)",
      end: true,
      value: (row) => row.stands_on?.match_score ?? null,
      show: (row) => <Num>{score(row.stands_on?.match_score)}</Num>,
    },
    {
      key: "success_rate",
      title: t("column.success"),
      width: "minmax(7.25rem, 0.7fr)",
      value: (row) => row.did?.success_rate ?? null,
      show: (row) => <Success share={row.did?.success_rate} />,
    },
    {
      key: "p95_ms",
      title: "p95",
      width: "minmax(5rem, 0.5fr)",
      end: true,
      value: (row) => row.did?.p95_ms ?? null,
      show: (row) => <Num>{duration(row.did?.p95_ms)}</Num>,
    },
    {
      key: "attempts",
      title: t("column.attempts"),
      width: "minmax(5rem, 0.5fr)",
      end: true,
      value: attempts,
      show: (row) => <Num>{count(attempts(row))}</Num>,
    },
    {
      key: "cost_usd",
      title: t("column.cost"),
      width: "minmax(6.75rem, 0.6fr)",
      end: true,
      value: (row) => row.did?.cost_usd ?? null,
      show: (row) => <Num>{dollars(row.did?.cost_usd)}</Num>,
    },
  ];
}

/** Where an agent stands: by a plan, by a person, pinned in the file, or nowhere in particular. */
function Standing({ row }: { row: Agent }) {
  if (!row.stands_on) {
    return row.pinned_model ? (
      <>
        <bdi>{modelName(row.pinned_model)}</bdi> <Tag tone="plain">{t("column.pinned")}</Tag>
      </>
    ) : (
      <span class="quiet">{t("assign.each_request")}</span>
    );
  }
  const byHand = row.stands_on.assignment_method === "MANUAL";
  return (
    <>
      <bdi>{row.stands_on.model_name}</bdi>{" "}
      {byHand ? <Tag tone="info">{t("assign.by_hand")}</Tag> : null}
    </>
  );
}

function Needs({ agent }: { agent: Agent }) {
  const { required_capabilities: must, preferred_capabilities: may } = agent;
  if (!must.length && !may.length) return <span class="quiet">–</span>;
  return (
    <bdi>
      <span>{must.join(", ")}</span>
      {may.length ? (
        <span class="quiet">{` ${must.length ? "+ " : ""}${may.join(", ")}`}</span>
      ) : null}
    </bdi>
  );
}
