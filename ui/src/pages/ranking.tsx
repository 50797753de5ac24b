/** What was every candidate worth, term by term, and who was out and why? */

import type { Candidate, Decision } from "../api/client";
import type { RejectionBody } from "../api/schema";
import { t, tMaybe } from "../i18n";
import { Few } from "../parts/few";
import { dollars, duration, percent, score } from "../parts/format";
import { Num } from "../parts/num";
import { Panel, Tag } from "../parts/panel";
import { modelName } from "../state/fleet";
import { Bar, TermLegend, termNames } from "./bars";

export function Ranking({ decision, before }: { decision: Decision; before?: Decision }) {
  const names = termNames(decision.candidates);
  const past = new Map(before?.candidates.map((each) => [each.model_id, each.score]));
  return (
    <Panel
      title={before ? t("ranking.now") : t("ranking.title")}
      hint={decision.band === null ? "" : t("ranking.band", { points: score(decision.band) })}
    >
      <TermLegend names={names} />
      <ol class="ranking">
        {decision.candidates.map((candidate, place) => (
          <Standing
            key={candidate.model_id}
            candidate={candidate}
            names={names}
            chosen={place === 0}
            past={before ? (past.get(candidate.model_id) ?? null) : undefined}
          />
        ))}
      </ol>
      <Out rejections={decision.rejections} />
    </Panel>
  );
}

interface StandingProps {
  candidate: Candidate;
  names: readonly string[];
  chosen: boolean;
  past: number | null | undefined;
}

function Standing({ candidate, names, chosen, past }: StandingProps) {
  const sum = candidate.terms.reduce((total, term) => total + term.value, 0);
  return (
    <li class={chosen ? "standing is-chosen" : "standing"}>
      <details>
        <summary>
          <span class="standing-name">
            <bdi>{modelName(candidate.model_id)}</bdi>
            {chosen ? <Tag tone="info">{t("ranking.chosen")}</Tag> : null}
          </span>
          <Bar terms={candidate.terms} names={names} />
          <span class="standing-score">
            <Num>{score(candidate.score)}</Num>
            {past !== undefined && past !== null ? (
              <span class="quiet">
                <Num>{`(${signed(candidate.score - past)})`}</Num>
              </span>
            ) : null}
          </span>
        </summary>
        <Terms candidate={candidate} sum={sum} />
      </details>
    </li>
  );
}

const signed = (value: number) => `${value >= 0 ? "+" : "−"}${Math.abs(value).toFixed(1)}`;

function Terms({ candidate, sum }: { candidate: Candidate; sum: number }) {
  const estimate = candidate.estimate;
  return (
    <div class="terms">
      <Few
        label={t("ranking.title")}
        heads={[
          t("ranking.term"),
          { text: t("ranking.adds"), end: true },
          { text: t("ranking.at_most"), end: true },
          t("ranking.because"),
        ]}
        foot={
          <tr>
            <th scope="row">{t("ranking.sum")}</th>
            <td class="end">
              <Num>{score(sum)}</Num>
            </td>
            <td />
            <td />
          </tr>
        }
      >
        {candidate.terms.map((term) => (
          <tr key={term.name}>
            <th scope="row">{tMaybe(`term.${term.name}`, term.name)}</th>
            <td class="end">
              <Num>{signed(term.value)}</Num>
            </td>
            <td class="end">
              <Num>{score(term.weight)}</Num>
            </td>
            <td>
              <bdi>{term.detail}</bdi>
            </td>
          </tr>
        ))}
      </Few>
      {estimate ? (
        <p class="quiet">
          {t("ranking.expected")}: {t("column.success")} <Num>{percent(estimate.success)}</Num> ·{" "}
          {t("column.latency")} <Num>{duration(estimate.latency_ms)}</Num> · {t("column.cost")}{" "}
          <Num>{dollars(estimate.cost_usd)}</Num> · <bdi>{estimate.evidence_words}</bdi>
        </p>
      ) : null}
    </div>
  );
}

function Out({ rejections }: { rejections: readonly RejectionBody[] }) {
  if (!rejections.length) return null;
  return (
    <>
      <h3>{t("ranking.out")}</h3>
      <ul class="out">
        {rejections.map((each) => (
          <li key={each.model_id}>
            <bdi>{modelName(each.model_id)}</bdi>
            <Tag tone="plain">
              {tMaybe(`objection.${each.code}`, each.code.replaceAll("_", " "))}
            </Tag>
            <span class="quiet">
              <bdi>{each.words}</bdi>
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}
