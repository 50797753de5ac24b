/** What was decided about the fleet, by whom, and can it be taken back? */

import { call } from "../api/client";
import type { OneRunBody, RunBody, RunsBody } from "../api/schema";
import { type Key, t, tMaybe } from "../i18n";
import { useAttempt } from "../parts/attempt";
import { Few } from "../parts/few";
import { count, instant, score } from "../parts/format";
import { Num } from "../parts/num";
import { Panel, Tag, type Tone } from "../parts/panel";
import { useResource } from "../parts/resource";
import { Shown } from "../parts/state";
import { mayChange } from "../state/session";

const FEW = 20;
const TONES: Record<string, Tone> = { applied: "good", proposed: "info" };

/** Put back what a run has changed. */
export function undone(runId: string): Promise<OneRunBody> {
  const path = `/assignment-runs/${encodeURIComponent(runId)}/undo`;
  return call<OneRunBody>(path, { method: "POST", body: {} });
}

export function Runs({ changed }: { changed: () => void }) {
  const found = useResource(
    "runs",
    (signal) => call<RunsBody>("/assignment-runs", { query: { limit: FEW }, signal }),
    true,
  );
  const { attempt, failed } = useAttempt();
  const act = (run: RunBody, verb: "undo" | "apply") =>
    attempt(async () => {
      const path = `/assignment-runs/${encodeURIComponent(run.run_id)}/${verb}`;
      await call<OneRunBody>(path, { method: "POST", body: {} });
      changed();
      found.reload();
    });
  return (
    <Panel title={t("runs.title")} hint={t("runs.hint")}>
      {failed}
      <Shown of={found} rows={3}>
        {(body) =>
          body.runs.length ? (
            <Table runs={body.runs} act={act} />
          ) : (
            <p class="empty quiet">{t("runs.none")}</p>
          )
        }
      </Shown>
    </Panel>
  );
}

interface TableProps {
  runs: readonly RunBody[];
  act: (run: RunBody, verb: "undo" | "apply") => void;
}

function Table({ runs, act }: TableProps) {
  return (
    <Few
      label={t("runs.title")}
      heads={[
        t("column.time"),
        t("runs.kind"),
        t("runs.state"),
        t("runs.by"),
        t("runs.reason"),
        { text: t("runs.moved"), end: true },
        { text: t("assign.match"), end: true },
        { text: t("runs.act"), unseen: true },
      ]}
    >
      {runs.map((run) => (
        <tr key={run.run_id}>
          <th scope="row">
            <Num>{instant(run.timestamp)}</Num>
          </th>
          <td>{tMaybe(`runs.${run.kind}`, run.kind)}</td>
          <td>
            <Tag tone={TONES[run.state] ?? "plain"}>{t(`runs.${run.state}` as Key)}</Tag>
          </td>
          <td>
            <bdi>{run.decided_by}</bdi>
          </td>
          <td>
            <bdi>{run.reason || "–"}</bdi>
          </td>
          <td class="end">
            <Num>{count(run.changed_agents)}</Num>
          </td>
          <td class="end">
            <Num>{score(run.avg_match_score)}</Num>
          </td>
          <td class="end">
            <Act run={run} act={act} />
          </td>
        </tr>
      ))}
    </Few>
  );
}

function Act({ run, act }: { run: RunBody; act: TableProps["act"] }) {
  if (run.state !== "applied" && run.state !== "proposed") return null;
  const verb = run.state === "applied" ? "undo" : "apply";
  return (
    <ui5-button
      design="Transparent"
      icon={verb === "undo" ? "undo" : "accept"}
      disabled={!mayChange.value}
      accessible-name={`${t(`action.${verb}`)}: ${tMaybe(`runs.${run.kind}`, run.kind)} ${instant(run.timestamp)}`}
      onClick={() => act(run, verb)}
    >
      {t(`action.${verb}`)}
    </ui5-button>
  );
}
