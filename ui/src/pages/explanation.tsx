/** Why was this model chosen, and what came of it? */

import { useState } from "preact/hooks";
import { call, type Decision, url } from "../api/client";
import type { OneDecisionBody, RouteBody } from "../api/schema";
import { t } from "../i18n";
import { useAttempt } from "../parts/attempt";
import { copy } from "../parts/clipboard";
import { Facts } from "../parts/facts";
import { dollars, duration, instant, tokens } from "../parts/format";
import { Panel } from "../parts/panel";
import { useResource } from "../parts/resource";
import { Loading, Shown } from "../parts/state";
import { agentName, modelName } from "../state/fleet";
import { linkHere } from "../state/place";
import { Ranking } from "./ranking";
import { Result } from "./result";
import { Timeline } from "./timeline";

export function Explanation({ id }: { id: string }) {
  const found = useResource(id, (signal) =>
    call<OneDecisionBody>(`/decisions/${encodeURIComponent(id)}`, { signal }),
  );
  return (
    <div class="page">
      <p class="crumbs">
        <a href={linkHere("")}>{t("page.decisions")}</a> <span aria-hidden="true">/</span>{" "}
        <code dir="ltr">{id}</code>
      </p>
      <Shown of={found} rows={8}>
        {({ decision }) => <Explained decision={decision} />}
      </Shown>
    </div>
  );
}

function Explained({ decision }: { decision: Decision }) {
  return (
    <>
      <header class="headline">
        <h1>
          <bdi>{modelName(decision.served_model_id ?? decision.model_id)}</bdi>
        </h1>
        <Result of={decision} />
        <span class="grow" />
        <CopyAsCurl decision={decision} />
      </header>
      <p class="reason">
        <bdi>{decision.reason.words}</bdi>
      </p>
      {decision.prompt_preview ? (
        <p class="quiet">
          {t("explain.preview")} <bdi>{decision.prompt_preview}</bdi>
        </p>
      ) : null}
      <About decision={decision} />
      <div class="columns">
        <Panel title={t("explain.timeline")}>
          <Timeline decision={decision} />
        </Panel>
        <Otherwise decision={decision} />
      </div>
      <Ranking decision={decision} />
      <Again decision={decision} />
    </>
  );
}

function About({ decision }: { decision: Decision }) {
  const task = decision.task;
  const facts: [string, string | null][] = [
    [t("column.time"), instant(decision.timestamp)],
    [t("column.agent"), agentName(decision.agent_id)],
    [t("explain.asked"), decision.asked_model || "–"],
    [t("explain.strategy"), decision.strategy],
    [t("column.task"), task.type],
    [t("explain.prompt"), `${tokens(task.prompt_tokens)} tokens`],
    [t("explain.needs"), task.needs.join(", ") || null],
    [t("column.latency"), duration(decision.latency_ms)],
    [t("column.cost"), dollars(decision.cost_usd)],
    [t("column.session"), decision.session],
    [t("explain.request"), decision.request_id],
    [t("explain.config"), decision.config_version],
  ];
  return <Facts facts={facts} />;
}

/** What it would have taken for the runner-up. */
function Otherwise({ decision }: { decision: Decision }) {
  const other = decision.counterfactual;
  if (!other) return null;
  return (
    <Panel title={t("explain.otherwise", { model: modelName(other.model_id) })}>
      <p>
        <bdi>{other.words}</bdi>
      </p>
      {other.changes.length > 1 ? (
        <ul class="changes">
          {other.changes.map((each) => (
            <li key={each.words}>
              <bdi>{each.words}</bdi>
            </li>
          ))}
        </ul>
      ) : null}
    </Panel>
  );
}

/** What would be decided now for such a request; nothing is called. */
function Again({ decision }: { decision: Decision }) {
  const [found, setFound] = useState<RouteBody | null>(null);
  const { attempt, failed, busy } = useAttempt();
  const ask = () =>
    attempt(async () => {
      const path = `/decisions/${encodeURIComponent(decision.decision_id)}/again`;
      setFound(await call<RouteBody>(path, { method: "POST" }));
    });
  const now = found?.decision;
  return (
    <Panel
      title={t("explain.again")}
      tools={
        <ui5-button design="Emphasized" icon="refresh" onClick={ask}>
          {t("explain.decide_again")}
        </ui5-button>
      }
    >
      {busy ? <Loading rows={3} /> : null}
      {failed}
      {now ? (
        <>
          <p role="status">
            {now.model_id === decision.model_id
              ? t("explain.same", { model: modelName(now.model_id) })
              : t("explain.different", {
                  model: modelName(now.model_id),
                  before: modelName(decision.model_id),
                })}{" "}
            <bdi>{now.reason.words}</bdi>
          </p>
          <Ranking decision={now} before={decision} />
        </>
      ) : (
        <p class="quiet">{t("explain.again_words")}</p>
      )}
    </Panel>
  );
}

function CopyAsCurl({ decision }: { decision: Decision }) {
  const [done, setDone] = useState(false);
  const path = url(`/decisions/${decision.decision_id}`);
  const text = `curl -H "Authorization: Bearer $POINTSMAN_KEY" ${location.origin}${path}`;
  return (
    <ui5-button
      design="Transparent"
      icon="copy"
      onClick={() => {
        copy(text);
        setDone(true);
      }}
    >
      {done ? t("action.copied") : t("explain.curl")}
    </ui5-button>
  );
}
