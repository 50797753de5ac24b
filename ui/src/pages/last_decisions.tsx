/** What was decided last? */

import type { DecisionSummary } from "../api/schema";
import { t } from "../i18n";
import { Few } from "../parts/few";
import { dollars, duration, instant } from "../parts/format";
import { Num } from "../parts/num";
import { Panel } from "../parts/panel";
import { agentName, modelName } from "../state/fleet";
import { decisionsHere, linkTo } from "../state/place";
import { Result } from "./result";

export function LastDecisions({ decisions }: { decisions: readonly DecisionSummary[] }) {
  return (
    <Panel
      title={t("overview.last_decisions")}
      tools={<a href={decisionsHere()}>{t("overview.all_decisions")}</a>}
    >
      {decisions.length ? (
        <Few
          label={t("overview.last_decisions")}
          heads={[
            t("column.time"),
            t("column.agent"),
            t("column.model"),
            t("column.result"),
            { text: t("column.latency"), end: true },
            { text: t("column.cost"), end: true },
          ]}
        >
          {decisions.map((made) => (
            <tr key={made.decision_id}>
              <th scope="row">
                <a href={linkTo("decisions", made.decision_id)}>
                  <Num>{instant(made.timestamp)}</Num>
                </a>
              </th>
              <td>
                <bdi>{agentName(made.agent_id)}</bdi>
              </td>
              <td>
                <bdi>{modelName(made.served_model_id ?? made.model_id)}</bdi>
              </td>
              <td>
                <Result of={made} />
              </td>
              <td class="end">
                <Num>{duration(made.latency_ms)}</Num>
              </td>
              <td class="end">
                <Num>{dollars(made.cost_usd)}</Num>
              </td>
            </tr>
          ))}
        </Few>
      ) : (
        <p class="empty quiet">{t("decisions.none")}</p>
      )}
    </Panel>
  );
}
