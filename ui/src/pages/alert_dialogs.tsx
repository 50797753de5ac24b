/** For how long does somebody take care of an alert, or wants nobody told of its like? */

import { useState } from "preact/hooks";
import { call } from "../api/client";
import type { AlertBody } from "../api/schema";
import { t } from "../i18n";
import { matchersOf, written } from "../parts/alert_words";
import { Question } from "../parts/question";
import { askForAlerts } from "../state/alerts";

const USUAL = { name: "comment", most: 1_000, hours: [1, 8, 24, 168], usual: 8 } as const;

async function sent(path: string, body: object): Promise<void> {
  await call(path, { method: "POST", body });
  await askForAlerts();
}

interface DialogProps {
  alert: AlertBody;
  close: () => void;
}

export function Acknowledge({ alert, close }: DialogProps) {
  const path = `/alerts/${encodeURIComponent(alert.alert_id)}/ack`;
  return (
    <Question
      {...USUAL}
      label={t("alerts.comment")}
      title={t("alerts.ack_title", { rule: alert.rule })}
      verb={t("alerts.ack_go")}
      close={close}
      act={(comment, hours) => sent(path, { comment, hours })}
    >
      <p>{t("alerts.ack_words")}</p>
    </Question>
  );
}

export function Silence({ alert, close }: DialogProps) {
  const all = matchersOf(alert);
  const [left, setLeft] = useState<readonly string[]>([]);
  const matchers = all.filter((each) => !left.includes(each.name));
  const toggle = (name: string) =>
    setLeft(left.includes(name) ? left.filter((each) => each !== name) : [...left, name]);
  return (
    <Question
      {...USUAL}
      label={t("alerts.comment")}
      title={t("alerts.silence_title")}
      verb={t("alerts.silence_go")}
      close={close}
      ready={matchers.length > 0}
      act={(comment, hours) => sent("/alerts/silences", { matchers, comment, hours })}
    >
      <p>{t("alerts.silence_words")}</p>
      <fieldset class="labels">
        <legend>{t("alerts.with_labels")}</legend>
        {all.map((each) => (
          <label key={each.name} class="check">
            <input
              type="checkbox"
              checked={!left.includes(each.name)}
              onChange={() => toggle(each.name)}
            />
            <code dir="ltr">{written(each)}</code>
          </label>
        ))}
      </fieldset>
    </Question>
  );
}
