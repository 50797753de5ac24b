/** Why does an agent stand where it does, what else could it have, and who may decide otherwise? */

import { useState } from "preact/hooks";
import { call } from "../api/client";
import type { AssignmentBody, OneAgentBody, OptionBody, WhyThereBody } from "../api/schema";
import { t, tMaybe } from "../i18n";
import { useAttempt } from "../parts/attempt";
import { dollars, duration, instant, score } from "../parts/format";
import { Num } from "../parts/num";
import { Panel, Tag } from "../parts/panel";
import { useResource } from "../parts/resource";
import { Shown } from "../parts/state";
import { modelName } from "../state/fleet";
import { linkTo } from "../state/place";
import { mayChange } from "../state/session";
import { Bar, TermLegend, termNames } from "./bars";
import { OneCourse } from "./course_charts";
import { Override } from "./override";

export function OneAgent({ id }: { id: string }) {
  const path = encodeURIComponent(id);
  const agent = useResource(id, (signal) => call<OneAgentBody>(`/agents/${path}`, { signal }));
  const why = useResource(`${id} why`, (signal) =>
    call<WhyThereBody>(`/agents/${path}/assignment`, { signal }),
  );
  return (
    <div class="page">
      <p class="crumbs">
        <a href={linkTo("agents")}>{t("page.agents")}</a> <span aria-hidden="true">/</span>{" "}
        <code dir="ltr">{id}</code>
      </p>
      <Shown of={agent} rows={4}>
        {(body) => (
          <header class="headline">
            <h1>
              <bdi>{body.agent.name}</bdi>
            </h1>
            <Tag tone={body.agent.status === "online" ? "good" : "plain"}>
              {tMaybe(`status.${body.agent.status}`, body.agent.status)}
            </Tag>
            <span class="quiet">
              <bdi>
                {[...body.agent.required_capabilities, ...body.agent.preferred_capabilities].join(
                  ", ",
                )}
              </bdi>
            </span>
            <span class="grow" />
            <a class="button" href={linkTo("decisions", "", { agent: id })}>
              {t("models.its_decisions")}
            </a>
          </header>
        )}
      </Shown>
      <OneCourse narrow={{ agent: id }} />
      <Shown of={why} rows={8}>
        {(body) => (
          <>
            <Where why={body} changed={why.reload} />
            <Options why={body} changed={why.reload} />
          </>
        )}
      </Shown>
    </div>
  );
}

function Where({ why, changed }: { why: WhyThereBody; changed: () => void }) {
  const { attempt, failed } = useAttempt();
  const byHand = why.in_force.find((each) => each.assignment_method === "MANUAL");
  const release = (each: AssignmentBody) =>
    attempt(async () => {
      const path = `/assignments/${encodeURIComponent(each.assignment_id)}`;
      await call(path, { method: "PUT", body: { status: "INACTIVE" } });
      changed();
    });
  return (
    <Panel
      title={
        why.model_id
          ? t("assign.stands_on_model", { model: modelName(why.model_id) })
          : t("assign.each_request")
      }
      tools={
        byHand ? (
          <ui5-button icon="undo" disabled={!mayChange.value} onClick={() => release(byHand)}>
            {t("assign.release")}
          </ui5-button>
        ) : null
      }
    >
      {byHand ? (
        <p>
          <Tag tone="info">{t("assign.by_hand")}</Tag> <bdi>{byHand.assigned_by}</bdi>,{" "}
          <Num>{instant(byHand.assigned_at)}</Num>
          {byHand.valid_until ? (
            <>
              {" "}
              · {t("assign.until")} <Num>{instant(byHand.valid_until)}</Num>
            </>
          ) : null}
          {byHand.notes ? (
            <>
              {" "}
              · <bdi>{byHand.notes}</bdi>
            </>
          ) : null}
        </p>
      ) : null}
      {why.model_id ? (
        <ul class="changes">
          {why.words.map((words) => (
            <li key={words}>
              <bdi>{words}</bdi>
            </li>
          ))}
        </ul>
      ) : (
        <p class="quiet">{t("assign.each_request_words")}</p>
      )}
      {failed}
    </Panel>
  );
}

/** What it would take, as far as that is known. */
function costs(option: OptionBody): string {
  const parts = [
    option.latency_ms === null ? "" : duration(option.latency_ms),
    option.usd_per_day ? t("assign.a_day", { cost: dollars(option.usd_per_day) }) : "",
  ];
  return parts.filter(Boolean).join(" · ");
}

function Options({ why, changed }: { why: WhyThereBody; changed: () => void }) {
  const [chosen, setChosen] = useState<OptionBody | null>(null);
  const able = why.options.filter((each) => each.eligible);
  const out = why.options.filter((each) => !each.eligible);
  const names = termNames(able);
  return (
    <Panel
      title={why.model_id ? t("assign.options") : t("assign.options_any")}
      hint={t("assign.options_hint")}
    >
      <TermLegend names={names} />
      <ol class="ranking">
        {able.map((option) => (
          <li key={option.model_id} class="standing standing-flat">
            <span class="standing-name">
              <bdi class={option.model_id === why.model_id ? "strong" : ""}>
                {modelName(option.model_id)}
              </bdi>
              {option.model_id === why.model_id ? <Tag tone="info">{t("assign.here")}</Tag> : null}
            </span>
            <Bar terms={option.terms} names={names} />
            <span class="standing-score">
              <Num>{score(option.match_score)}</Num>
            </span>
            <span class="quiet end">
              <Num>{costs(option)}</Num>
            </span>
            <span class="end">
              {option.model_id === why.model_id && why.by_hand ? null : (
                <ui5-button
                  design="Transparent"
                  disabled={!mayChange.value}
                  accessible-name={`${t("assign.put_here")}: ${modelName(option.model_id)}`}
                  onClick={() => setChosen(option)}
                >
                  {t("assign.put_here")}
                </ui5-button>
              )}
            </span>
          </li>
        ))}
      </ol>
      {out.length ? (
        <>
          <h3>{t("ranking.out")}</h3>
          <ul class="out">
            {out.map((each) => (
              <li key={each.model_id}>
                <bdi>{modelName(each.model_id)}</bdi>
                <Tag tone="plain">
                  {tMaybe(`objection.${each.code ?? ""}`, (each.code ?? "").replaceAll("_", " "))}
                </Tag>
                <span class="quiet">
                  <bdi>{[each.objection, each.remedy].filter(Boolean).join(" — ")}</bdi>
                </span>
              </li>
            ))}
          </ul>
        </>
      ) : null}
      {mayChange.value ? null : <p class="quiet">{t("role.only_admins")}</p>}
      {chosen ? (
        <Override
          agentId={why.agent_id}
          option={chosen}
          close={() => setChosen(null)}
          changed={changed}
        />
      ) : null}
    </Panel>
  );
}
