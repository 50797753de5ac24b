/** Which few need looking after most? */

import type { StandingBody } from "../api/schema";
import { t } from "../i18n";
import { Few } from "../parts/few";
import { count, duration } from "../parts/format";
import { Num } from "../parts/num";
import { Panel } from "../parts/panel";
import { badness } from "../parts/severity";
import { Success } from "../parts/success";
import { agentName, modelName } from "../state/fleet";
import { linkTo } from "../state/place";

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
                <a href={page === "models" ? linkTo("models", row.id) : decisionsOf(row.id)}>
                  <bdi>{name(row.id)}</bdi>
                </a>
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

const decisionsOf = (agent: string) => linkTo("decisions", "", { agent });
