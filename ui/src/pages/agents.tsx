/** Which agents are there, what do they need, and how are they served? */

import { type Agent, call } from "../api/client";
import type { AgentsBody, StandingBody } from "../api/schema";
import { t, tMaybe } from "../i18n";
import { count, dollars, duration, percent } from "../parts/format";
import { Grid, type Shape } from "../parts/grid";
import { Num } from "../parts/num";
import { Panel, Tag } from "../parts/panel";
import { useResource } from "../parts/resource";
import { toneOfSuccess } from "../parts/severity";
import { Empty, Shown } from "../parts/state";
import { modelName } from "../state/fleet";
import { overview } from "../state/live";
import { go, linkTo, place } from "../state/place";

type Row = Agent & { did: StandingBody | undefined };

export default function Agents() {
  const found = useResource("agents", (signal) => call<AgentsBody>("/agents", { signal }));
  const { agent = "", kind = "" } = place.value.query;
  const did = new Map(overview.value?.agents.map((each) => [each.id, each]));
  return (
    <div class="page">
      <h1 class="unseen">{t("page.agents")}</h1>
      <Panel title={t("page.agents")} hint={t("agents.hint")}>
        <Shown of={found} rows={8}>
          {(body) => (
            <Grid
              name="agents"
              label={t("page.agents")}
              rows={body.agents
                .filter((each) => !agent || each.agent_id === agent)
                .filter((each) => !kind || each.kind === kind)
                .map((each): Row => ({ ...each, did: did.get(each.agent_id) }))}
              columns={columns()}
              id={(row) => row.agent_id}
              open={(row) => go(linkTo("decisions", "", { agent: row.agent_id }))}
              height={15}
              empty={<Empty title={t("agents.none")} command="pointsman init" />}
            />
          )}
        </Shown>
      </Panel>
    </div>
  );
}

function columns(): Shape<Row>[] {
  return [
    {
      key: "agent_id",
      title: t("column.agent"),
      width: "minmax(10rem, 1.4fr)",
      value: (row) => row.name,
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
      key: "pinned_model",
      title: t("column.pinned"),
      width: "minmax(8rem, 1fr)",
      value: (row) => row.pinned_model,
      show: (row) => <bdi>{row.pinned_model ? modelName(row.pinned_model) : "–"}</bdi>,
    },
    {
      key: "success_rate",
      title: t("column.success"),
      width: "minmax(6.5rem, 0.7fr)",
      value: (row) => row.did?.success_rate ?? null,
      show: (row) => (
        <Tag tone={toneOfSuccess(row.did?.success_rate ?? null)}>
          <Num>{percent(row.did?.success_rate)}</Num>
        </Tag>
      ),
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
      value: (row) => row.did?.attempts ?? 0,
      show: (row) => <Num>{count(row.did?.attempts ?? 0)}</Num>,
    },
    {
      key: "cost_usd",
      title: t("column.cost"),
      width: "minmax(5rem, 0.5fr)",
      end: true,
      value: (row) => row.did?.cost_usd ?? null,
      show: (row) => <Num>{dollars(row.did?.cost_usd)}</Num>,
    },
  ];
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
