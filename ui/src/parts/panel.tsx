/** What frames everything that is shown? */

import { pathData as accept } from "@ui5/webcomponents-icons/dist/v5/accept.js";
import { pathData as alert } from "@ui5/webcomponents-icons/dist/v5/alert.js";
import { pathData as error } from "@ui5/webcomponents-icons/dist/v5/error.js";
import { pathData as information } from "@ui5/webcomponents-icons/dist/v5/information.js";
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

interface PanelProps {
  title: string;
  /** Beside the title: switches, exports. */
  tools?: ComponentChildren;
  hint?: string;
  class?: string;
  children: ComponentChildren;
}

export function Panel({ title, tools, hint, class: name, children }: PanelProps) {
  const id = useId();
  return (
    <section class={`panel ${name ?? ""}`} aria-labelledby={id}>
      <header class="panel-head">
        <h2 id={id}>{title}</h2>
        {hint ? <span class="quiet panel-hint">{hint}</span> : null}
        {tools ? <div class="panel-tools">{tools}</div> : null}
      </header>
      {children}
    </section>
  );
}

export type Tone = "good" | "warn" | "bad" | "info" | "plain";

/** Drawn here: a control for each of ten rows a frame is what scrolling would wait for. */
const SIGNS: Record<Tone, string> = {
  good: accept,
  warn: alert,
  bad: error,
  info: information,
  plain: "",
};

/** A word that says how things stand, with a sign besides its colour. */
export function Tag({ tone, children }: { tone: Tone; children: ComponentChildren }) {
  return (
    <span class={`tag tag-${tone}`}>
      {SIGNS[tone] ? (
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <path d={SIGNS[tone]} />
        </svg>
      ) : null}
      <span>{children}</span>
    </span>
  );
}

/** How much of a whole, as a bar beside the figure. `share` in [0, 1]. */
export function Meter({ share, tone, label }: { share: number; tone?: Tone; label: string }) {
  const width = `${Math.round(100 * Math.min(1, Math.max(0, share)))}%`;
  return (
    <span class={`meter meter-${tone ?? "info"}`} role="img" aria-label={label}>
      <span style={{ inlineSize: width }} />
    </span>
  );
}
