/** Which few need looking after most? */

import type { StandingBody } from "../api/schema";
import { t } from "../i18n";
import { Few } from "../parts/few";
import { count, duration } from "../parts/format";
import { Lead } from "../parts/lead";
import { Num } from "../parts/num";
import { Panel } from "../parts/panel";
import { badness } from "../parts/severity";
import { Success } from "../parts/success";
import { agentName, isOne, modelName } from "../state/fleet";
import { decisionsHere, linkTo } from "../state/place";

const FEW = 5;

interface WorstProps {
  title: string;
  rows: readonly StandingBody[];
  page: "models" | "agents";
}

export function Worst({ title, rows, page }: WorstProps) {
  const name = page === "models" ? modelName : agentName;
  const worst = [...rows].sort((a, b) => badness(b) - badness(a)).slice(0, FEW);
  return (
    <Panel title={title}>
      {worst.length ? (
        <Few
          label={title}
          heads={[
            t(page === "models" ? "column.model" : "column.agent"),
            t("column.success"),
            { text: "p95", end: true },
            { text: t("column.attempts"), end: true },
          ]}
        >
          {worst.map((row) => (
            <tr key={row.id}>
              <th scope="row">
                <Lead to={leadTo(page, row.id)}>
                  <bdi>{name(row.id)}</bdi>
                </Lead>
              </th>
              <td>
                <Success share={row.success_rate} />
              </td>
              <td class="end">
                <Num>{duration(row.p95_ms)}</Num>
              </td>
              <td class="end">
                <Num>{count(row.attempts)}</Num>
              </td>
            </tr>
          ))}
        </Few>
      ) : (
        <p class="empty quiet">{t("overview.nobody")}</p>
      )}
    </Panel>
  );
}

function leadTo(page: WorstProps["page"], id: string): string {
  if (!isOne(id)) return "";
  return page === "models" ? linkTo("models", id) : decisionsHere({ agent: id });
}
