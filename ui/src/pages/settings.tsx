/** What would be decided for a request, and under which configuration? */

import { useState } from "preact/hooks";
import { call, type Stats } from "../api/client";
import type { ConfigBody, LogLevelBody, RouteBody } from "../api/schema";
import { type Key, t } from "../i18n";
import { useAttempt } from "../parts/attempt";
import { Choice } from "../parts/choice";
import { Lines } from "../parts/facts";
import { Few } from "../parts/few";
import { count, dollars, duration } from "../parts/format";
import { Num } from "../parts/num";
import { Panel } from "../parts/panel";
import { useResource } from "../parts/resource";
import { Loading, Shown } from "../parts/state";
import { agents, modelName } from "../state/fleet";
import { place, refine } from "../state/place";
import { mayChange, session } from "../state/session";
import { Ranking } from "./ranking";
import { OriginLegend, Tree } from "./tree";
import { WeightsPreview } from "./weights";

export default function Settings() {
  return (
    <div class="page">
      <h1 class="unseen">{t("page.settings")}</h1>
      <Playground />
      <WeightsPreview />
      <div class="columns">
        <About />
        <LogLevel />
      </div>
      <Configuration />
    </div>
  );
}

const STRATEGIES = ["", "balanced", "quality", "cost", "speed"];
const LONGEST_IN_URL = 4_000;
const EXAMPLE = JSON.stringify(
  {
    model: "auto",
    messages: [{ role: "user", content: "Write a function that merges two sorted lists." }],
  },
  null,
  2,
);

/** Paste a request, or pick an agent: who would serve it. Nothing is called, nothing recorded. */
function Playground() {
  const { who = "", strategy = "", body = EXAMPLE } = place.value.query;
  const [found, setFound] = useState<RouteBody | null>(null);
  const { attempt, failed, busy } = useAttempt();
  const [text, setText] = useState(body);
  const ask = () => {
    refine({ body: text === EXAMPLE || text.length > LONGEST_IN_URL ? "" : text });
    setFound(null);
    attempt(async () => setFound(await routed(text, who, strategy)));
  };
  const now = found?.decision;
  return (
    <Panel title={t("playground.title")} hint={t("playground.hint")}>
      <form
        class="playground"
        onSubmit={(event) => {
          event.preventDefault();
          ask();
        }}
      >
        <div class="filters filters-plain">
          <Choice
            label={t("filter.agent")}
            value={who}
            options={[
              { value: "", text: t("playground.default_agent") },
              ...agents.value.map((each) => ({ value: each.agent_id, text: each.name })),
            ]}
            choose={(value) => refine({ who: value })}
          />
          <Choice
            label={t("explain.strategy")}
            value={strategy}
            options={STRATEGIES.map((each) => ({
              value: each,
              text: each || t("playground.default_strategy"),
            }))}
            choose={(value) => refine({ strategy: value })}
          />
          <span class="grow" />
          <button class="primary" type="submit" disabled={busy}>
            {t("playground.ask")}
          </button>
        </div>
        <label for="request">{t("playground.request")}</label>
        <textarea
          id="request"
          dir="ltr"
          spellcheck={false}
          rows={9}
          value={text}
          data-search
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </form>
      {busy ? <Loading rows={3} /> : null}
      {failed}
      {now ? (
        <div class="answer" role="status">
          <p class="reason">
            <strong>
              <bdi>{modelName(now.model_id)}</bdi>
            </strong>{" "}
            <bdi>{now.reason.words}</bdi>
          </p>
          <Ranking decision={now} />
        </div>
      ) : null}
    </Panel>
  );
}

/** The request as it stands in the box; the server says what is wrong with it. */
async function routed(text: string, who: string, strategy: string): Promise<RouteBody> {
  const headers: Record<string, string> = {};
  if (who) headers["x-pointsman-agent"] = who;
  if (strategy) headers["x-pointsman-strategy"] = strategy;
  return call<RouteBody>("/route", { method: "POST", text, headers });
}

function About() {
  const found = useResource("stats", (signal) => call<Stats>("/stats", { signal }), true);
  return (
    <Panel title={t("settings.about")}>
      <Shown of={found}>{(stats) => <Lines lines={aboutRows(stats)} />}</Shown>
    </Panel>
  );
}

function aboutRows(stats: Stats): [string, string][] {
  const lost = Object.values(stats.ledger.dropped).reduce((sum, n) => sum + n, 0);
  return [
    [t("settings.version"), session.value?.version ?? "–"],
    [t("explain.config"), stats.config_version],
    [t("settings.uptime"), duration(1_000 * stats.uptime_s)],
    [t("settings.fleet"), `${stats.online_agents} / ${stats.total_agents} · ${stats.total_models}`],
    [t("settings.attempts"), count(stats.attempts.total_requests)],
    [t("column.cost"), dollars(stats.cost_usd)],
    [t("settings.written"), `${count(stats.ledger.written)} (${count(stats.ledger.queued)})`],
    [t("settings.lost"), count(lost)],
  ];
}

const LEVELS = ["debug", "info", "warning", "error"];

function LogLevel() {
  const [said, setSaid] = useState("");
  const [level, setLevel] = useState("info");
  const { attempt, failed } = useAttempt();
  const set = () =>
    attempt(async () => {
      const done = await call<LogLevelBody>("/log-level", { method: "PUT", body: { level } });
      setSaid(done.level);
    });
  return (
    <Panel title={t("settings.log")}>
      <p class="quiet">{t("settings.log_words")}</p>
      <div class="filters filters-apart">
        <Choice
          label={t("settings.log")}
          value={level}
          options={LEVELS.map((value) => ({ value, text: value }))}
          choose={setLevel}
        />
        <ui5-button disabled={!mayChange.value} onClick={set}>
          {t("action.apply")}
        </ui5-button>
      </div>
      {said ? <p role="status">{t("settings.log_set", { level: said })}</p> : null}
      {failed}
      {mayChange.value ? null : <p class="quiet">{t("role.only_admins")}</p>}
    </Panel>
  );
}

const KEPT: readonly (readonly [section: string, name: string])[] = [
  ["server", "keep_decisions_days"],
  ["store", "keep_minutes_days"],
  ["store", "keep_hours_days"],
  ["store", "keep_days_days"],
  ["store", "keep_audit_days"],
  ["store", "keep_alerts_days"],
];

interface KeyEntry {
  name: string;
  role: string;
  agents?: readonly string[];
}

/** Who may come in, and for how long what is kept. */
function Kept({ config }: { config: ConfigBody["config"] }) {
  const of = (section: string) => config[section] as Record<string, number> | undefined;
  const keys = (config.keys ?? []) as readonly KeyEntry[];
  return (
    <div class="columns kept">
      <Few
        label={t("settings.keys")}
        heads={[t("settings.keys"), t("settings.role"), t("page.agents")]}
      >
        {keys.length ? (
          keys.map((key) => (
            <tr key={key.name}>
              <th scope="row">
                <bdi>{key.name}</bdi>
              </th>
              <td>{key.role}</td>
              <td>
                <bdi>{key.agents?.length ? key.agents.join(", ") : t("filter.any")}</bdi>
              </td>
            </tr>
          ))
        ) : (
          <tr>
            <td colSpan={3} class="quiet">
              {t("settings.no_keys")}
            </td>
          </tr>
        )}
      </Few>
      <Few
        label={t("settings.retention")}
        heads={[t("settings.retention"), { text: t("settings.days"), end: true }]}
      >
        {KEPT.map(([section, name]) => (
          <tr key={name}>
            <th scope="row">{t(`settings.${name}` as Key)}</th>
            <td class="end">
              <Num>{count(of(section)?.[name])}</Num>
            </td>
          </tr>
        ))}
      </Few>
    </div>
  );
}

function Configuration() {
  const found = useResource("config", (signal) => call<ConfigBody>("/config", { signal }));
  return (
    <Panel title={t("settings.configuration")} hint={t("settings.masked")}>
      <Shown of={found} rows={8}>
        {(body) => (
          <>
            {body.rejected ? (
              <p class="wrong" role="alert">
                {t("settings.rejected")} <bdi>{body.rejected}</bdi>
              </p>
            ) : null}
            <Kept config={body.config} />
            <OriginLegend source={body.source} />
            <Tree value={body.config} origins={body.origins} />
          </>
        )}
      </Shown>
    </Panel>
  );
}
