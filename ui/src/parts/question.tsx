/** What is somebody asked before something is done by hand: why, for how long, and is it meant? */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { type Key, t } from "../i18n";
import { mayChange } from "../state/session";
import { useAttempt } from "./attempt";
import { Choice } from "./choice";
import { Dialog } from "./dialog";

interface QuestionProps {
  title: string;
  /** On the button that does it. */
  verb: string;
  /** Of the box for the words, in the document and for who reads it. */
  name: string;
  label: string;
  /** Characters. */
  most: number;
  /** Among how many hours is chosen, and which at first; 0 is until further notice. */
  hours?: readonly number[];
  usual?: number;
  /** Whether it can be done as things are chosen. */
  ready?: boolean;
  wide?: boolean;
  /** What is done with the words; afterwards the dialog closes. */
  act: (why: string, hours: number) => Promise<unknown>;
  close: () => void;
  /** What is said before it is asked, and what is asked besides. */
  children: ComponentChildren;
}

export function Question(props: QuestionProps) {
  const { name, close, hours: choices = [], usual = 0, ready = true } = props;
  const [why, setWhy] = useState("");
  const [hours, setHours] = useState(usual);
  const { attempt, failed } = useAttempt();
  const may = ready && mayChange.value;
  const go = () => {
    if (!may) return;
    attempt(async () => {
      await props.act(why, hours);
      close();
    });
  };
  return (
    <Dialog
      title={props.title}
      close={close}
      wide={props.wide ?? false}
      actions={
        <ui5-button design="Emphasized" disabled={!may} onClick={go}>
          {props.verb}
        </ui5-button>
      }
    >
      <form
        class="playground"
        onSubmit={(event) => {
          event.preventDefault();
          go();
        }}
      >
        {props.children}
        <label for={name}>{props.label}</label>
        <textarea
          id={name}
          rows={2}
          maxLength={props.most}
          value={why}
          onInput={(event) => setWhy(event.currentTarget.value)}
        />
        {choices.length ? (
          <Choice
            label={t("override.how_long")}
            value={String(hours)}
            options={choices.map((each) => ({
              value: String(each),
              text: t(`override.for_${each}` as Key),
            }))}
            choose={(value) => setHours(Number(value))}
          />
        ) : null}
      </form>
      {mayChange.value ? null : <p class="quiet">{t("role.only_admins")}</p>}
      {failed}
    </Dialog>
  );
}
