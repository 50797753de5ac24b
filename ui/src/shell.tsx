/** What stands around every page: name, connection, looks, filters, and the way to the others? */

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Filters } from "./filters";
import { type Key, language, speak, t } from "./i18n";
import { Choice } from "./parts/choice";
import { Dialog } from "./parts/dialog";
import { instant } from "./parts/format";
import { Num } from "./parts/num";
import { openCount } from "./state/alerts";
import { GOES, helpOpen } from "./state/keys";
import { connection, heardAt } from "./state/live";
import { THEMES, theme } from "./state/looks";
import { linkTo, PAGES, type Page, place } from "./state/place";
import { session, signOut } from "./state/session";
import { loadAgain, outdated } from "./state/version";

const ICONS: Record<Page, string> = {
  overview: "home",
  agents: "customer",
  models: "machine",
  decisions: "decision",
  alerts: "bell",
  analytics: "line-chart",
  settings: "action-settings",
};

export function Shell({ children }: { children: ComponentChildren }) {
  const current = place.value.page;
  const nav = useRef<HTMLElement>(null);
  useEffect(() => {
    // On a narrow screen there is room for half of them.
    nav.current
      ?.querySelector("[aria-current]")
      ?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [current]);
  return (
    <>
      <button type="button" class="skip" onClick={() => document.getElementById("main")?.focus()}>
        {t("shell.skip")}
      </button>
      <header class="bar">
        <a class="brand" href={linkTo("overview")} aria-label="pointsman">
          <Mark />
          <span>pointsman</span>
        </a>
        <ConnectionState />
        <AlertCount />
        <span class="grow" />
        <Looks />
        <Who />
      </header>
      <nav class="nav" ref={nav} aria-label={t("shell.pages")}>
        <ul>
          {PAGES.map((page) => (
            <li key={page}>
              <a href={linkTo(page)} aria-current={page === current ? "page" : undefined}>
                <ui5-icon name={ICONS[page]} aria-hidden="true" />
                <span>{t(`page.${page}` as Key)}</span>
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <main id="main" tabIndex={-1}>
        <NewVersion />
        <Filters />
        <OnlyHere />
        {children}
      </main>
      {helpOpen.value ? <Help /> : null}
    </>
  );
}

export function Mark() {
  return (
    <svg viewBox="0 0 32 32" class="mark" aria-hidden="true">
      <rect width="32" height="32" rx="7" />
      <path d="M9 27V5M9 20c0-6 14-4 14-12M23 8l-4 4m4-4 4 4" />
    </svg>
  );
}

function ConnectionState() {
  const state = connection.value;
  const heard = heardAt.value;
  return (
    <span class={`connection connection-${state}`} role="status">
      <span class="dot" aria-hidden="true" />
      <span>{t(`connection.${state}` as Key)}</span>
      {heard !== null && state !== "live" && state !== "connecting" ? (
        <span class="since">
          {t("connection.since")} <Num>{instant(heard)}</Num>
        </span>
      ) : null}
    </span>
  );
}

/** How many alerts are open, on the way to them; nothing while all is well. */
function AlertCount() {
  const open = openCount.value;
  if (!open) return null;
  const words = t("alerts.count_open", { count: open });
  return (
    <a class="alert-count" href={linkTo("alerts")} aria-label={words}>
      <ui5-icon name="alert" aria-hidden="true" />
      <span>{words}</span>
      <span class="alert-figure">{open}</span>
    </a>
  );
}

function Looks() {
  return (
    <>
      <Choice
        class="narrow"
        label={t("shell.theme")}
        value={theme.value}
        options={THEMES.map((name) => ({ value: name, text: t(`theme.${name}` as Key) }))}
        choose={(name) => {
          theme.value = name;
        }}
      />
      <Choice
        class="narrow narrow-language"
        label={t("shell.language")}
        value={language.value}
        options={[
          { value: "en", text: "English" },
          { value: "ar", text: "العربية" },
        ]}
        choose={(name) => {
          speak(name === "ar" ? "ar" : "en").catch(() => undefined);
        }}
      />
      <ui5-button
        design="Transparent"
        icon="sys-help"
        tooltip={t("shell.help")}
        accessible-name={t("shell.help")}
        onClick={() => {
          helpOpen.value = true;
        }}
      />
    </>
  );
}

function Who() {
  const who = session.value;
  if (!who?.keys_configured) return null;
  return (
    <span class="who">
      <bdi>{who.name}</bdi>
      <span class="quiet">{t(who.role === "admin" ? "role.admin" : "role.viewer")}</span>
      <ui5-button design="Transparent" onClick={() => void signOut()}>
        {t("action.sign_out")}
      </ui5-button>
    </span>
  );
}

/** Until it is loaded again the page goes on as well as it can. */
export function NewVersion() {
  if (!outdated.value) return null;
  return (
    <p class="notice" role="status">
      <ui5-icon name="information" aria-hidden="true" />
      <span>{t("version.new")}</span>
      <ui5-button design="Emphasized" icon="refresh" onClick={loadAgain}>
        {t("version.load")}
      </ui5-button>
    </p>
  );
}

/** Without keys everybody on this machine is an admin, which whoever looks should know. */
function OnlyHere() {
  if (session.value?.keys_configured !== false || place.value.page !== "settings") return null;
  return (
    <p class="notice">
      <ui5-icon name="information" aria-hidden="true" />
      <span>
        {t("shell.only_here")
          .split("`")
          .map((words, place) => (place % 2 ? <code dir="ltr">{words}</code> : words))}
      </span>
    </p>
  );
}

function Help() {
  const goes = Object.entries(GOES).map(([key, page]) => [`g ${key}`, t(`page.${page}` as Key)]);
  const rows = [
    ...goes,
    ["/", t("help.search")],
    ["p", t("help.pause")],
    ["↑ ↓ PgUp PgDn Home End", t("help.rows")],
    ["Enter", t("help.open")],
    ["?", t("help.this")],
  ];
  const close = () => {
    helpOpen.value = false;
  };
  return (
    <Dialog title={t("shell.help")} close={close}>
      <dl class="keys">
        {rows.map(([keys = "", text]) => (
          <div key={keys}>
            <dt dir="ltr">
              {keys.split(" ").map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
