/** What does every agent do on every model, and where does it stand? */

import type { FlowBody, FlowsBody } from "../api/schema";
import { type Key, t } from "../i18n";
import { Choice } from "../parts/choice";
import { count, dollars, duration, percent } from "../parts/format";
import { Lead } from "../parts/lead";
import { Num } from "../parts/num";
import { agentName, isOne, models as allModels, modelName } from "../state/fleet";
import { linkTo, place, refine } from "../state/place";
import { decisionsOf } from "./flow";

const CELLS = ["share", "attempts", "success", "p95", "cost"] as const;
type Cell = (typeof CELLS)[number];
const MOST_AGENTS = 100;
/** In percent: deeper, and text could not be read on it. */
const DEEPEST = 35;

const VALUES: Record<Cell, (flow: FlowBody) => number | null> = {
  share: (flow) => flow.share,
  attempts: (flow) => flow.attempts,
  success: (flow) => flow.success_rate,
  p95: (flow) => flow.p95_ms,
  cost: (flow) => flow.cost_usd,
};
const WRITTEN: Record<Cell, (value: number | null) => string> = {
  share: percent,
  attempts: count,
  success: percent,
  p95: duration,
  cost: dollars,
};

export function MatrixView({ body }: { body: FlowsBody }) {
  const standing = new Map(Object.entries(body.stands_on));
  const cell = CELLS.find((each) => each === place.value.query.cell) ?? "share";
  const flows = new Map(body.flows.map((flow) => [key(flow.agent_id, flow.model_id), flow]));
  const agents = [...new Set([...body.flows.map((flow) => flow.agent_id), ...standing.keys()])];
  const used = new Set([...body.flows.map((flow) => flow.model_id), ...standing.values()]);
  const declared = allModels.value.map((model) => model.model_id).filter((id) => used.has(id));
  const columns = [...declared, ...[...used].filter((id) => !declared.includes(id))];
  if (!agents.length) return <p class="empty quiet">{t("flow.nobody")}</p>;
  const most = Math.max(...body.flows.map((flow) => VALUES[cell](flow) ?? 0), 0);
  const named = agents.filter(isOne);
  const rows = [...named.slice(0, MOST_AGENTS), ...agents.filter((agent) => !isOne(agent))];
  return (
    <>
      <div class="filters filters-plain">
        <Choice
          label={t("matrix.shows")}
          value={cell}
          options={CELLS.map((value) => ({ value, text: t(`matrix.${value}` as Key) }))}
          choose={(value) => refine({ cell: value === "share" ? "" : value })}
        />
        <span class="quiet">
          <span aria-hidden="true">◆</span> {t("matrix.stands")}
        </span>
      </div>
      <div class="scroll matrix-frame" tabIndex={0} role="group" aria-label={t("matrix.title")}>
        <table class="matrix">
          <thead>
            <tr>
              <th scope="col">{t("column.agent")}</th>
              {columns.map((model) => (
                <th scope="col" key={model}>
                  <Lead to={isOne(model) ? linkTo("models", model) : ""}>
                    <bdi>{modelName(model)}</bdi>
                  </Lead>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((agent) => (
              <tr key={agent}>
                <th scope="row">
                  <Lead to={isOne(agent) ? linkTo("agents", agent) : ""}>
                    <bdi>{agentName(agent)}</bdi>
                  </Lead>
                </th>
                {columns.map((model) => (
                  <OneCell
                    key={model}
                    flow={flows.get(key(agent, model))}
                    stands={standing.get(agent) === model}
                    cell={cell}
                    most={most}
                  />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {agents.length > rows.length ? (
        <p class="quiet">{t("drain.and_more", { count: agents.length - rows.length })}</p>
      ) : null}
    </>
  );
}

const key = (agent: string, model: string) => `${agent}\n${model}`;

interface CellProps {
  flow: FlowBody | undefined;
  stands: boolean;
  cell: Cell;
  most: number;
}

function OneCell({ flow, stands, cell, most }: CellProps) {
  const mark = stands ? (
    <span class="matrix-mark" role="img" aria-label={t("matrix.stands")}>
      ◆
    </span>
  ) : null;
  if (!flow) return <td>{mark}</td>;
  const value = VALUES[cell](flow);
  const depth = most && value !== null ? Math.round((DEEPEST * value) / most) : 0;
  return (
    <td
      style={{
        background: `color-mix(in srgb, var(--sapChart_OrderedColor_1) ${depth}%, transparent)`,
      }}
    >
      {mark}
      <Lead to={decisionsOf(flow)}>
        <Num>{WRITTEN[cell](value)}</Num>
      </Lead>
    </td>
  );
}
