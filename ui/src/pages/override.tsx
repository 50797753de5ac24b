/** For how long, and why, is an agent put on a model whatever plans say? */

import { useState } from "preact/hooks";
import { call } from "../api/client";
import type { OneAssignmentBody, OptionBody } from "../api/schema";
import { type Key, t } from "../i18n";
import { Choice } from "../parts/choice";
import { Dialog } from "../parts/dialog";
import { Failed } from "../parts/state";
import { agentName, modelName } from "../state/fleet";

const HOURS = [0, 1, 8, 24, 168];
const MOST_CHARS = 2_000;

interface OverrideProps {
  agentId: string;
  option: OptionBody;
  close: () => void;
  changed: () => void;
}

export function Override({ agentId, option, close, changed }: OverrideProps) {
  const [notes, setNotes] = useState("");
  const [hours, setHours] = useState(0);
  const [error, setError] = useState<unknown>(null);
  const put = async () => {
    const until = hours ? new Date(Date.now() + hours * 3_600_000).toISOString() : null;
    try {
      await call<OneAssignmentBody>("/assignments", {
        method: "POST",
        body: { agent_id: agentId, model_id: option.model_id, notes, valid_until: until },
      });
      changed();
      close();
    } catch (problem) {
      setError(problem);
    }
  };
  const names = { agent: agentName(agentId), model: modelName(option.model_id) };
  return (
    <Dialog
      title={t("override.title", names)}
      close={close}
      actions={
        <ui5-button design="Emphasized" onClick={() => void put()}>
          {t("override.go")}
        </ui5-button>
      }
    >
      <p>{t("override.words", names)}</p>
      {option.no_room_in.length ? (
        <p class="wrong">
          {t("override.no_room")} <bdi>{option.no_room_in.join(", ")}</bdi>
        </p>
      ) : null}
      <form
        class="playground"
        onSubmit={(event) => {
          event.preventDefault();
          void put();
        }}
      >
        <label for="why">{t("override.why")}</label>
        <textarea
          id="why"
          rows={3}
          maxLength={MOST_CHARS}
          value={notes}
          onInput={(event) => setNotes(event.currentTarget.value)}
        />
        <Choice
          label={t("override.how_long")}
          value={String(hours)}
          options={HOURS.map((each) => ({
            value: String(each),
            text: t(`override.for_${each}` as Key),
          }))}
          choose={(value) => setHours(Number(value))}
        />
      </form>
      {error ? <Failed error={error} retry={() => void put()} /> : null}
    </Dialog>
  );
}
