/** Which model should each agent stand on? First shown, then put in place, then taken back if need be. */

import { useState } from "preact/hooks";
import { call } from "../api/client";
import type { MovedBody, PlanBody, PlannedBody } from "../api/schema";
import { type Key, t } from "../i18n";
import { Choice } from "../parts/choice";
import { Dialog } from "../parts/dialog";
import { Few } from "../parts/few";
import { count, dollars, duration, score } from "../parts/format";
import { Num } from "../parts/num";
import { Failed, Loading } from "../parts/state";
import { agentName, modelName } from "../state/fleet";
import { mayChange } from "../state/session";
import { undone } from "./runs";

const STRATEGIES = ["optimal", "balanced", "greedy"] as const;
type Strategy = (typeof STRATEGIES)[number];

type Stage =
  | { is: "asking" | "applying" | "undoing" }
  | { is: "chosen" }
  | { is: "shown"; plan: PlanBody }
  | { is: "applied"; plan: PlanBody }
  | { is: "undone" }
  | { is: "failed"; error: unknown; again: () => void };

export function AutoAssign({ close, changed }: { close: () => void; changed: () => void }) {
  const [strategy, setStrategy] = useState<Strategy>("optimal");
  const [stage, setStage] = useState<Stage>({ is: "chosen" });

  const attempt = async (during: Stage, work: () => Promise<Stage>) => {
    setStage(during);
    try {
      setStage(await work());
    } catch (error) {
      setStage({ is: "failed", error, again: () => void attempt(during, work) });
    }
  };
  const ask = () =>
    attempt({ is: "asking" }, async () => ({ is: "shown", plan: await planned(strategy, true) }));
  const apply = (shown: PlanBody) =>
    attempt({ is: "applying" }, async () => {
      const plan = await planned(strategy, false, shown.plan_id);
      changed();
      return { is: "applied", plan };
    });
  const undo = (runId: string) =>
    attempt({ is: "undoing" }, async () => {
      await undone(runId);
      changed();
      return { is: "undone" };
    });

  return (
    <Dialog
      wide
      title={t("assign.auto")}
      close={close}
      actions={<Actions stage={stage} apply={apply} undo={undo} />}
    >
      <div class="filters filters-plain">
        <Choice
          label={t("assign.strategy")}
          value={strategy}
          options={STRATEGIES.map((name) => ({
            value: name,
            text: t(`assign.${name}` as Key),
          }))}
          choose={(name) => {
            setStrategy(STRATEGIES.find((each) => each === name) ?? "optimal");
            setStage({ is: "chosen" });
          }}
        />
        <ui5-button onClick={() => void ask()}>{t("assign.show_plan")}</ui5-button>
        <span class="quiet">{t("assign.nothing_yet")}</span>
      </div>
      <div aria-live="polite">
        <Body stage={stage} />
      </div>
    </Dialog>
  );
}

function planned(strategy: Strategy, dry: boolean, expect?: string): Promise<PlanBody> {
  const body = expect === undefined ? { strategy } : { strategy, expect };
  return call<PlanBody>("/auto-assign-all", { method: "POST", query: { dry_run: dry }, body });
}

interface ActionsProps {
  stage: Stage;
  apply: (plan: PlanBody) => Promise<void>;
  undo: (runId: string) => Promise<void>;
}

function Actions({ stage, apply, undo }: ActionsProps) {
  if (stage.is === "shown" && stage.plan.changed_agents) {
    return (
      <ui5-button
        design="Emphasized"
        disabled={!mayChange.value}
        onClick={() => void apply(stage.plan)}
      >
        {t("assign.apply", { count: stage.plan.changed_agents })}
      </ui5-button>
    );
  }
  const runId = stage.is === "applied" ? stage.plan.run_id : null;
  if (runId === null) return null;
  return (
    <ui5-button icon="undo" onClick={() => void undo(runId)}>
      {t("action.undo")}
    </ui5-button>
  );
}

function Body({ stage }: { stage: Stage }) {
  switch (stage.is) {
    case "chosen":
      return <p class="empty quiet">{t("assign.words")}</p>;
    case "shown":
      return <Plan plan={stage.plan} />;
    case "applied":
      return (
        <>
          <p class="done">{t("assign.applied", { count: stage.plan.changed_agents })}</p>
          <Plan plan={stage.plan} />
        </>
      );
    case "undone":
      return <p class="done">{t("assign.undone")}</p>;
    case "failed":
      return <Failed error={stage.error} retry={stage.again} />;
    default:
      return <Loading rows={6} />;
  }
}

function Plan({ plan }: { plan: PlanBody }) {
  return (
    <>
      <p>
        {t(plan.usd_per_day ? "assign.summary" : "assign.summary_free", {
          assigned: count(plan.total_assignments),
          score: score(plan.avg_match_score),
          cost: dollars(plan.usd_per_day),
        })}
      </p>
      {plan.unassigned.map((each) => (
        <p key={each.agent_id} class="wrong">
          <bdi>{agentName(each.agent_id)}</bdi>: <bdi>{each.reasons.join("; ")}</bdi>
        </p>
      ))}
      {plan.notes.map((note) => (
        <p key={note} class="quiet">
          <bdi>{note}</bdi>
        </p>
      ))}
      {plan.moved.length ? (
        <Moves plan={plan} />
      ) : (
        <p class="empty quiet">{t("assign.nobody_moves")}</p>
      )}
    </>
  );
}

/** What of a plan is measured, and by how much it changes for who moves. */
interface Figure {
  name: string;
  now: (planned: PlannedBody) => number | null;
  by: (move: MovedBody) => number | null;
  write: (value: number) => string;
}

function figures(): Figure[] {
  return [
    {
      name: t("assign.match"),
      now: (planned) => planned.match_score,
      by: (move) => move.score_change,
      write: score,
    },
    {
      name: t("column.latency"),
      now: (planned) => planned.latency_ms,
      by: (move) => move.latency_change_ms,
      write: duration,
    },
    {
      name: t("assign.per_day"),
      now: (planned) => known(planned.usd_per_day),
      by: (move) => known(move.usd_per_day_change),
      write: dollars,
    },
  ];
}

/** Nobody has said how much will be asked: that is no bill of nothing. */
const known = (usd: number | null) => (usd === 0 ? null : usd);

/** Who goes where; what is not known of anybody has no column. */
function Moves({ plan }: { plan: PlanBody }) {
  const planned = new Map(plan.assignments.map((each) => [each.agent_id, each]));
  const rows = plan.moved.map((move) => ({ move, then: planned.get(move.agent_id) }));
  const shown = figures().filter((figure) =>
    rows.some(
      ({ move, then }) => figure.by(move) !== null || (then ? figure.now(then) : null) !== null,
    ),
  );
  return (
    <Few
      label={t("assign.who_moves")}
      heads={[
        t("column.agent"),
        t("assign.from"),
        t("assign.to"),
        ...shown.map(({ name }) => ({ text: name, end: true as const })),
      ]}
    >
      {rows.map(({ move, then }) => (
        <tr key={move.agent_id}>
          <th scope="row">
            <bdi>{agentName(move.agent_id)}</bdi>
          </th>
          <td class={move.old_model_id ? "" : "quiet"}>
            <bdi>{move.old_model_id ? modelName(move.old_model_id) : t("assign.each_request")}</bdi>
          </td>
          <td class="strong">
            <bdi>{modelName(move.new_model_id)}</bdi>
          </td>
          {shown.map((figure) => (
            <td class="end" key={figure.name}>
              <Num>{then ? written(figure.now(then), figure.write) : "–"}</Num>
              <Num class="quiet by">{changed(figure.by(move), figure.write)}</Num>
            </td>
          ))}
        </tr>
      ))}
    </Few>
  );
}

function written(value: number | null, write: (value: number) => string): string {
  return value === null ? "–" : write(value);
}

/** By how much; nothing where nothing was before. */
function changed(by: number | null, write: (value: number) => string): string {
  if (by === null) return "";
  return `${by >= 0 ? "+" : "−"}${write(Math.abs(by))}`;
}
