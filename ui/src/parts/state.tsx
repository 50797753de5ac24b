/** What does a panel show while it has nothing, no more, or nothing new to show? */

import type { ComponentChildren } from "preact";
import { ApiError } from "../api/client";
import { t } from "../i18n";
import { copy } from "./clipboard";

export function Loading({ rows = 3 }: { rows?: number }) {
  return (
    <div class="loading" role="status" aria-label={t("state.loading")}>
      {Array.from({ length: rows }, (_, row) => (
        <span key={row} class="bone" />
      ))}
    </div>
  );
}

/** Nothing is there yet: what it is, and what to do so that there is something. */
export function Empty({ title, command, children }: EmptyProps) {
  return (
    <div class="empty">
      <ui5-icon name="information" aria-hidden="true" />
      <p class="empty-title">{title}</p>
      {children ? <p class="quiet">{children}</p> : null}
      {command ? <Command text={command} /> : null}
    </div>
  );
}

interface EmptyProps {
  title: string;
  command?: string;
  children?: ComponentChildren;
}

/** A command to be copied into a terminal. */
export function Command({ text }: { text: string }) {
  return (
    <div class="command" dir="ltr">
      <code>{text}</code>
      <ui5-button
        design="Transparent"
        icon="copy"
        tooltip={t("action.copy")}
        accessible-name={t("action.copy")}
        onClick={() => copy(text)}
      />
    </div>
  );
}

export function Failed({ error, retry }: { error: unknown; retry: () => void }) {
  const known = error instanceof ApiError ? error : null;
  return (
    <div class="failed" role="alert">
      <ui5-icon name="error" aria-hidden="true" />
      <div>
        <p>{known?.message ?? t("state.failed")}</p>
        {known?.requestId ? (
          <p class="quiet">
            {t("state.request")} <code dir="ltr">{known.requestId}</code>
          </p>
        ) : null}
      </div>
      <ui5-button design="Transparent" icon="refresh" onClick={retry}>
        {t("action.retry")}
      </ui5-button>
    </div>
  );
}

/** What was asked for, or the state that it is in instead. */
export function Shown<T>({ of, children, rows }: ShownProps<T>) {
  const { data, error, reload } = of;
  if (data === undefined) {
    return error ? <Failed error={error} retry={reload} /> : <Loading rows={rows ?? 4} />;
  }
  return (
    <>
      {error ? (
        <p class="stale" role="status">
          <ui5-icon name="alert" aria-hidden="true" /> {t("state.stale")}{" "}
          <button type="button" class="link" onClick={reload}>
            {t("action.retry")}
          </button>
        </p>
      ) : null}
      {children(data)}
    </>
  );
}

interface ShownProps<T> {
  of: { data: T | undefined; error: unknown; reload: () => void };
  children: (data: T) => ComponentChildren;
  rows?: number;
}
