/** Whom does it concern that a model is taken out of service? Asked first, then done. */

import { useState } from "preact/hooks";
import { call, type Model } from "../api/client";
import type { BlastBody, DrainedBody, MoveBody, UndrainedBody } from "../api/schema";
import { type Key, t } from "../i18n";
import { useAttempt } from "../parts/attempt";
import { Facts } from "../parts/facts";
import { Few } from "../parts/few";
import { count, instant, percent, score, tokens } from "../parts/format";
import { Num } from "../parts/num";
import { Tag } from "../parts/panel";
import { Question } from "../parts/question";
import { useResource } from "../parts/resource";
import { Shown } from "../parts/state";
import { modelName } from "../state/fleet";
import { mayChange } from "../state/session";

const MOST_CHARS = 2_000;
const MOST_ROWS = 50;

/** What stands beside a model's name: a way out of service, or back, and who has taken it. */
export function DrainButton({ model, changed }: { model: Model; changed: () => void }) {
  const [asking, setAsking] = useState(false);
  const { attempt, failed } = useAttempt();
  const back = () =>
    attempt(async () => {
      const path = model.model_id.split("/").map(encodeURIComponent).join("/");
      await call<UndrainedBody>(`/drains/${path}`, { method: "DELETE" });
      changed();
    });
  if (model.drain) {
    return (
      <>
        <ui5-button icon="undo" disabled={!mayChange.value} onClick={back}>
          {t("drain.back")}
        </ui5-button>
        {failed}
      </>
    );
  }
  return (
    <>
      <ui5-button onClick={() => setAsking(true)}>{t("drain.ask")}</ui5-button>
      {asking ? (
        <DrainDialog model={model} close={() => setAsking(false)} changed={changed} />
      ) : null}
    </>
  );
}

export function DrainedBy({ model }: { model: Model }) {
  const { drain } = model;
  if (!drain) return null;
  return (
    <p class="notice">
      <ui5-icon name="information" aria-hidden="true" />
      <span>
        {t("drain.since")} <Num>{instant(drain.since)}</Num>, <bdi>{drain.drained_by}</bdi>
        {drain.reason ? (
          <>
            : <bdi>{drain.reason}</bdi>
          </>
        ) : null}
        . {t("drain.means")}
      </span>
    </p>
  );
}

interface DialogProps {
  model: Model;
  close: () => void;
  changed: () => void;
}

function DrainDialog({ model, close, changed }: DialogProps) {
  const [force, setForce] = useState(false);
  const found = useResource(`drain ${model.model_id}`, (signal) =>
    call<DrainedBody>("/drains", {
      method: "POST",
      query: { dry_run: true },
      body: { model_id: model.model_id },
      signal,
    }),
  );
  const blast = found.data?.blast;
  const drain = async (reason: string) => {
    const body = { model_id: model.model_id, reason, force };
    await call<DrainedBody>("/drains", { method: "POST", body });
    changed();
  };
  return (
    <Question
      wide
      title={t("drain.title", { model: model.display_name })}
      verb={t("drain.go")}
      name="drain-why"
      label={t("override.why")}
      most={MOST_CHARS}
      ready={blast !== undefined && (!blast.left_out || force)}
      act={drain}
      close={close}
    >
      <p>{t("drain.words")}</p>
      <Shown of={found} rows={6}>
        {(body) => <BlastRadius blast={body.blast} />}
      </Shown>
      {blast?.left_out ? (
        <label class="check wrong">
          <input
            type="checkbox"
            checked={force}
            onChange={(event) => setForce(event.currentTarget.checked)}
          />
          {t("drain.force", { count: blast.left_out })}
        </label>
      ) : null}
    </Question>
  );
}

/** What is lost, who takes it over, and where each agent goes. */
function BlastRadius({ blast }: { blast: BlastBody }) {
  const facts: [string, string][] = [
    [t("drain.share"), percent(blast.share)],
    [t("drain.attempts"), count(blast.attempts)],
    [t("drain.in_flight"), count(blast.in_flight)],
    [t("drain.agents"), count(blast.total_moves - blast.pinned)],
    ...lostCapacity(blast),
  ];
  return (
    <>
      <Facts facts={facts} />
      {blast.only_here.length ? (
        <p class="wrong">
          {t("drain.only_here")} <bdi>{blast.only_here.join(", ")}</bdi>
        </p>
      ) : null}
      <Receivers blast={blast} />
      <Moves blast={blast} />
    </>
  );
}

function lostCapacity(blast: BlastBody): [string, string][] {
  const limits: [string, number | null, (value: number) => string][] = [
    [t("drain.calls"), blast.max_in_flight, count],
    [t("models.rpm"), blast.requests_per_min, count],
    [t("models.tpm"), blast.tokens_per_min, tokens],
  ];
  return limits.flatMap(([name, limit, write]) =>
    limit === null ? [] : [[t("drain.lost", { what: name }), `−${write(limit)}`]],
  );
}

const perMinute = (value: number) => (value < 10 ? value.toFixed(1) : count(value));

function Receivers({ blast }: { blast: BlastBody }) {
  if (!blast.receivers.length) return null;
  return (
    <>
      <h3>{t("drain.receivers")}</h3>
      <Few
        label={t("drain.receivers")}
        heads={[
          t("column.model"),
          { text: t("drain.agents"), end: true },
          { text: t("drain.now"), end: true },
          { text: t("drain.more"), end: true },
          { text: t("drain.limit"), end: true },
        ]}
      >
        {blast.receivers.map((each) => (
          <tr key={each.model_id}>
            <th scope="row">
              <bdi>{modelName(each.model_id)}</bdi>
              {each.over_limit ? <Tag tone="bad">{t("drain.over")}</Tag> : null}
            </th>
            <td class="end">
              <Num>{count(each.agents)}</Num>
            </td>
            <td class="end">
              <Num>{perMinute(each.now_per_min)}</Num>
            </td>
            <td class="end">
              <Num>{`+${perMinute(each.more_per_min)}`}</Num>
            </td>
            <td class="end">
              <Num>{each.limit_per_min === null ? "∞" : count(each.limit_per_min)}</Num>
            </td>
          </tr>
        ))}
      </Few>
    </>
  );
}

function Moves({ blast }: { blast: BlastBody }) {
  if (!blast.moves.length) return <p class="empty quiet">{t("drain.nobody")}</p>;
  const more = blast.total_moves - Math.min(MOST_ROWS, blast.moves.length);
  return (
    <>
      <h3>{t("drain.moves")}</h3>
      <Few
        label={t("drain.moves")}
        heads={[
          t("column.agent"),
          t("drain.tie"),
          t("assign.to"),
          { text: t("assign.match"), end: true },
          { text: t("drain.asked"), end: true },
        ]}
      >
        {blast.moves.slice(0, MOST_ROWS).map((move) => (
          <MoveRow key={move.agent_id} move={move} model={blast.model_id} />
        ))}
      </Few>
      {more ? <p class="quiet">{t("drain.and_more", { count: more })}</p> : null}
    </>
  );
}

function MoveRow({ move, model }: { move: MoveBody; model: string }) {
  const matches =
    move.score === null || move.to_score === null
      ? "–"
      : `${score(move.score)} → ${score(move.to_score)}`;
  return (
    <tr>
      <th scope="row">
        <bdi>{move.agent_name}</bdi>
      </th>
      <td>{t(`drain.tie_${move.tie}` as Key)}</td>
      <td>
        <Target move={move} model={model} />
        {move.words ? (
          <span class="quiet">
            {" "}
            <bdi>{move.words}</bdi>
          </span>
        ) : null}
      </td>
      <td class="end">
        <Num>{matches}</Num>
      </td>
      <td class="end">
        <Num>{count(move.requests)}</Num>
      </td>
    </tr>
  );
}

function Target({ move, model }: { move: MoveBody; model: string }) {
  if (move.to_model_id === null) return <Tag tone="bad">{t("drain.nowhere")}</Tag>;
  if (move.to_model_id === model) return <Tag tone="plain">{t("drain.stays")}</Tag>;
  return <bdi class="strong">{modelName(move.to_model_id)}</bdi>;
}
