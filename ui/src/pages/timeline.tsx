/** What happened to a request, one thing after the other? */

import type { Decision } from "../api/client";
import type { AttemptBody } from "../api/schema";
import { t, tMaybe } from "../i18n";
import { count, dollars, duration, percent, score, tokens } from "../parts/format";
import { Num } from "../parts/num";
import { Tag } from "../parts/panel";
import { modelName } from "../state/fleet";

export function Timeline({ decision }: { decision: Decision }) {
  const { candidates, rejections } = decision;
  const first = candidates[0];
  return (
    <ol class="timeline">
      <li>
        <strong>{t("timeline.scored")}</strong>
        <p>
          {t("timeline.scored_words", {
            able: count(candidates.length),
            out: count(rejections.length),
          })}
        </p>
      </li>
      {first ? (
        <li>
          <strong>{t("timeline.chosen")}</strong>
          <p>
            <bdi>{modelName(first.model_id)}</bdi>, <Num>{score(first.score)}</Num>{" "}
            {t("timeline.points")}, {t("timeline.with")} <Num>{percent(decision.propensity)}</Num>
          </p>
        </li>
      ) : (
        <li class="is-bad">
          <strong>{t("timeline.nobody")}</strong>
        </li>
      )}
      {decision.outcomes.map((attempt) => (
        <Attempt key={attempt.attempt} attempt={attempt} />
      ))}
      {decision.feedback ? (
        <li>
          <strong>{t("timeline.judged")}</strong>
          <p>
            {decision.feedback.rating !== null ? (
              <Num>{`${decision.feedback.rating} / 5`}</Num>
            ) : null}{" "}
            <bdi>{decision.feedback.comment}</bdi>
          </p>
        </li>
      ) : null}
    </ol>
  );
}

function Attempt({ attempt }: { attempt: AttemptBody }) {
  const failure = attempt.failure;
  return (
    <li class={failure ? "is-bad" : "is-good"}>
      <strong>
        {t("timeline.attempt", { n: attempt.attempt })} <bdi>{modelName(attempt.model_id)}</bdi>
      </strong>{" "}
      {failure ? (
        <Tag tone="bad">{tMaybe(`failure.${failure}`, failure.replaceAll("_", " "))}</Tag>
      ) : (
        <Tag tone="good">{t("result.answered")}</Tag>
      )}
      <p class="quiet">
        <Num>{duration(attempt.latency_ms)}</Num>
        {attempt.first_token_ms !== null ? (
          <>
            {" · "}
            {t("timeline.first_token")} <Num>{duration(attempt.first_token_ms)}</Num>
          </>
        ) : null}
        {attempt.usage ? (
          <>
            {" · "}
            <Num>
              {`${tokens(attempt.usage.prompt_tokens)} → ${tokens(attempt.usage.completion_tokens)} tokens`}
            </Num>
          </>
        ) : null}
        {" · "}
        <Num>{dollars(attempt.cost_usd)}</Num>
        {attempt.upstream_status !== null ? (
          <>
            {" · "}
            <Num>{`HTTP ${attempt.upstream_status}`}</Num>
          </>
        ) : null}
      </p>
      {attempt.message ? (
        <p class="said">
          <bdi>{attempt.message}</bdi>
        </p>
      ) : null}
    </li>
  );
}
