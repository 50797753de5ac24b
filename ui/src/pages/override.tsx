/** For how long, and why, is an agent put on a model whatever plans say? */

import { call } from "../api/client";
import type { OneAssignmentBody, OptionBody } from "../api/schema";
import { t } from "../i18n";
import { Question } from "../parts/question";
import { agentName, modelName } from "../state/fleet";

const HOURS = [0, 1, 8, 24, 168];
const HOUR_MS = 3_600_000;
const MOST_CHARS = 2_000;

interface OverrideProps {
  agentId: string;
  option: OptionBody;
  close: () => void;
  changed: () => void;
}

export function Override({ agentId, option, close, changed }: OverrideProps) {
  const put = async (notes: string, hours: number) => {
    const until = hours ? new Date(Date.now() + hours * HOUR_MS).toISOString() : null;
    const body = { agent_id: agentId, model_id: option.model_id, notes, valid_until: until };
    await call<OneAssignmentBody>("/assignments", { method: "POST", body });
    changed();
  };
  const names = { agent: agentName(agentId), model: modelName(option.model_id) };
  return (
    <Question
      title={t("override.title", names)}
      verb={t("override.go")}
      name="why"
      label={t("override.why")}
      most={MOST_CHARS}
      hours={HOURS}
      act={put}
      close={close}
    >
      <p>{t("override.words", names)}</p>
      {option.no_room_in.length ? (
        <p class="wrong">
          {t("override.no_room")} <bdi>{option.no_room_in.join(", ")}</bdi>
        </p>
      ) : null}
    </Question>
  );
}
