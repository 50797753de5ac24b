/** For how long does somebody take care of an alert, or wants nobody told of its like? */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { call } from "../api/client";
import type { AlertBody } from "../api/schema";
import { type Key, t } from "../i18n";
import { matchersOf, written } from "../parts/alert_words";
import { Choice } from "../parts/choice";
import { Dialog } from "../parts/dialog";
import { Failed } from "../parts/state";
import { askForAlerts } from "../state/alerts";

const HOURS = [1, 8, 24, 168];
const MOST_CHARS = 1_000;

interface DialogProps {
  alert: AlertBody;
  close: () => void;
}

export function Acknowledge({ alert, close }: DialogProps) {
  const path = `/alerts/${encodeURIComponent(alert.alert_id)}/ack`;
  return (
    <Lasting
      title={t("alerts.ack_title", { rule: alert.rule })}
      verb={t("alerts.ack_go")}
      close={close}
      send={(comment, hours) => call(path, { method: "POST", body: { comment, hours } })}
    >
      <p>{t("alerts.ack_words")}</p>
    </Lasting>
  );
}

export function Silence({ alert, close }: DialogProps) {
  const all = matchersOf(alert);
  const [left, setLeft] = useState<readonly string[]>([]);
  const matchers = all.filter((each) => !left.includes(each.name));
  const toggle = (name: string) =>
    setLeft(left.includes(name) ? left.filter((each) => each !== name) : [...left, name]);
  return (
    <Lasting
      title={t("alerts.silence_title")}
      verb={t("alerts.silence_go")}
      close={close}
      ready={matchers.length > 0}
      send={(comment, hours) =>
        call("/alerts/silences", { method: "POST", body: { matchers, comment, hours } })
      }
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
    </Lasting>
  );
}

interface LastingProps {
  title: string;
  verb: string;
  close: () => void;
  ready?: boolean;
  send: (comment: string, hours: number) => Promise<unknown>;
  children: ComponentChildren;
}

/** A comment and for how long, whatever it is. */
function Lasting({ title, verb, close, ready = true, send, children }: LastingProps) {
  const [comment, setComment] = useState("");
  const [hours, setHours] = useState(8);
  const [error, setError] = useState<unknown>(null);
  const go = async () => {
    try {
      await send(comment, hours);
      await askForAlerts();
      close();
    } catch (problem) {
      setError(problem);
    }
  };
  return (
    <Dialog
      title={title}
      close={close}
      actions={
        <ui5-button design="Emphasized" disabled={!ready} onClick={() => void go()}>
          {verb}
        </ui5-button>
      }
    >
      <div class="playground">
        {children}
        <label for="comment">{t("alerts.comment")}</label>
        <textarea
          id="comment"
          rows={2}
          maxLength={MOST_CHARS}
          value={comment}
          onInput={(event) => setComment(event.currentTarget.value)}
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
      </div>
      {error ? <Failed error={error} retry={() => void go()} /> : null}
    </Dialog>
  );
}
