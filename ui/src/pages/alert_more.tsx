/** What happened to alerts, who silenced which, and by which rules are they judged? */

import { call } from "../api/client";
import type {
  ConditionBody,
  HistoryBody,
  RuleBody,
  RulesBody,
  SilenceBody,
  SilencesBody,
  StepBody,
} from "../api/schema";
import { t, tMaybe } from "../i18n";
import { againstLimit, written } from "../parts/alert_words";
import { useAttempt } from "../parts/attempt";
import { Few } from "../parts/few";
import { count, duration, instant } from "../parts/format";
import { Grid, type Shape } from "../parts/grid";
import { Num } from "../parts/num";
import { Paged, type Wish } from "../parts/paged";
import { Panel, Tag } from "../parts/panel";
import { useResource } from "../parts/resource";
import { Empty, Shown } from "../parts/state";
import { askForAlerts } from "../state/alerts";
import { go, linkTo } from "../state/place";
import { mayChange } from "../state/session";
import { Severity } from "./alert_list";

const PAGE = 200;
const ANY: Wish = {};

export function History() {
  return (
    <Panel title={t("alerts.history")} hint={t("alerts.history_hint")}>
      <Paged
        name="alerts"
        label={t("alerts.history")}
        path="/alerts/history"
        files="/export/alerts"
        wish={ANY}
        page={PAGE}
        rowsOf={(body: HistoryBody) => ({ ...body, rows: body.events })}
        columns={stepColumns()}
        id={(row) => row.event_id}
        open={(row) => go(linkTo("alerts", row.alert_id))}
        height={15}
        live
        empty={<Empty title={t("alerts.no_history")} command="pointsman alerts rules" />}
      />
    </Panel>
  );
}

function stepColumns(): Shape<StepBody>[] {
  return [
    {
      key: "timestamp",
      title: t("column.time"),
      width: "minmax(6.5rem, 0.8fr)",
      value: (row) => row.timestamp,
      show: (row) => <Num>{instant(row.timestamp)}</Num>,
    },
    {
      key: "step",
      title: t("alerts.step"),
      width: "minmax(6rem, 0.7fr)",
      value: (row) => row.step,
      show: (row) => <span>{stepName(row.step)}</span>,
    },
    {
      key: "severity",
      title: t("alerts.severity"),
      width: "minmax(6.75rem, 0.6fr)",
      value: (row) => row.severity,
      show: (row) => <Severity name={row.severity} />,
    },
    {
      key: "rule",
      title: t("alerts.what"),
      width: "minmax(10rem, 1fr)",
      value: (row) => row.rule,
      show: (row) => <bdi class="strong">{row.rule}</bdi>,
    },
    {
      key: "scope",
      title: t("alerts.about"),
      width: "minmax(9rem, 1fr)",
      value: (row) => row.scope.id || row.scope.kind,
      show: (row) => (
        <bdi>{row.scope.id || tMaybe(`alerts.scope_${row.scope.kind}`, row.scope.kind)}</bdi>
      ),
    },
    {
      key: "value",
      title: t("alerts.value"),
      width: "minmax(10rem, 0.9fr)",
      end: true,
      value: (row) => row.evidence.value,
      show: (row) => <Num>{againstLimit(row.evidence)}</Num>,
    },
    {
      key: "actor",
      title: t("runs.by"),
      width: "minmax(7rem, 0.7fr)",
      value: (row) => row.actor,
      show: (row) => <bdi>{row.actor ?? "–"}</bdi>,
    },
  ];
}

const stepName = (step: string) => tMaybe(`alerts.step_${step}`, step.replaceAll("_", " "));

/** What happened to one alert, newest first. */
export function Steps({ events }: { events: readonly StepBody[] }) {
  if (!events.length) return <p class="empty quiet">{t("alerts.no_history")}</p>;
  return (
    <Few
      label={t("alerts.history")}
      heads={[
        t("column.time"),
        t("alerts.step"),
        t("alerts.severity"),
        { text: t("alerts.value"), end: true },
        t("runs.by"),
        t("alerts.comment"),
      ]}
    >
      {events.map((step) => (
        <tr key={step.event_id}>
          <th scope="row">
            <Num>{instant(step.timestamp)}</Num>
          </th>
          <td>{stepName(step.step)}</td>
          <td>
            <Severity name={step.severity} />
          </td>
          <td class="end">
            <Num>{againstLimit(step.evidence)}</Num>
          </td>
          <td>
            <bdi>{step.actor ?? "–"}</bdi>
          </td>
          <td>
            <bdi>{step.details.comment ?? "–"}</bdi>
          </td>
        </tr>
      ))}
    </Few>
  );
}

export function Silences() {
  const found = useResource(
    "silences",
    (signal) => call<SilencesBody>("/alerts/silences", { signal }),
    true,
  );
  const { attempt, failed } = useAttempt();
  const end = (silence: SilenceBody) =>
    attempt(async () => {
      const path = `/alerts/silences/${encodeURIComponent(silence.silence_id)}`;
      await call(path, { method: "DELETE" });
      found.reload();
      await askForAlerts();
    });
  return (
    <Panel title={t("alerts.silences")} hint={t("alerts.silences_hint")}>
      {failed}
      <Shown of={found}>
        {(body) =>
          body.silences.length ? (
            <SilenceTable silences={body.silences} end={end} />
          ) : (
            <Empty title={t("alerts.no_silences")} command="pointsman alerts silence --help" />
          )
        }
      </Shown>
    </Panel>
  );
}

interface SilenceTableProps {
  silences: readonly SilenceBody[];
  end: (silence: SilenceBody) => void;
}

function SilenceTable({ silences, end }: SilenceTableProps) {
  return (
    <Few
      label={t("alerts.silences")}
      heads={[
        t("alerts.with_labels"),
        t("column.status"),
        t("alerts.until"),
        t("runs.by"),
        t("alerts.comment"),
        { text: t("runs.act"), unseen: true },
      ]}
    >
      {silences.map((silence) => (
        <tr key={silence.silence_id}>
          <th scope="row">
            <code dir="ltr">{silence.matchers.map(written).join(", ")}</code>
          </th>
          <td>
            <Tag tone={silence.state === "active" ? "info" : "plain"}>
              {tMaybe(`alerts.silence_${silence.state}`, silence.state)}
            </Tag>
          </td>
          <td>
            <Num>{instant(silence.ends_at)}</Num>
          </td>
          <td>
            <bdi>{silence.created_by}</bdi>
          </td>
          <td>
            <bdi>{silence.comment || "–"}</bdi>
          </td>
          <td class="end">
            {Date.parse(silence.ends_at) > Date.now() ? (
              <ui5-button
                design="Transparent"
                icon="decline"
                disabled={!mayChange.value}
                onClick={() => end(silence)}
              >
                {t("alerts.end_silence")}
              </ui5-button>
            ) : null}
          </td>
        </tr>
      ))}
    </Few>
  );
}

export function Rules() {
  const found = useResource("rules", (signal) => call<RulesBody>("/alerts/rules", { signal }));
  return (
    <Panel title={t("alerts.rules")} hint={t("alerts.rules_hint")}>
      <Shown of={found} rows={8}>
        {(body) => (
          <Grid
            name="rules"
            label={t("alerts.rules")}
            rows={body.rules}
            columns={ruleColumns()}
            id={(row) => row.name}
            height={15}
            empty={<Empty title={t("alerts.no_rules")} command="pointsman alerts rules" />}
          />
        )}
      </Shown>
    </Panel>
  );
}

/** Thresholds are in the metric's own unit, as rules are written. */
function ladder(condition: ConditionBody): string {
  const steps = Object.entries(condition.ladder).map(([name, value]) => `${name} ${value}`);
  return `${condition.metric}: ${steps.join(", ")}`;
}

function ruleColumns(): Shape<RuleBody>[] {
  return [
    {
      key: "name",
      title: t("alerts.what"),
      width: "minmax(11rem, 1fr)",
      value: (row) => row.name,
      show: (row) => <bdi class="strong">{row.name}</bdi>,
    },
    {
      key: "enabled",
      title: t("column.status"),
      width: "minmax(6rem, 0.5fr)",
      value: (row) => row.enabled,
      show: (row) => (
        <Tag tone={row.enabled ? "good" : "plain"}>
          {t(row.enabled ? "alerts.rule_on" : "alerts.rule_off")}
        </Tag>
      ),
    },
    {
      key: "origin",
      title: t("alerts.origin"),
      width: "minmax(8rem, 0.6fr)",
      value: (row) => row.origin,
      show: (row) => <span>{tMaybe(`alerts.origin_${row.origin}`, row.origin)}</span>,
    },
    {
      key: "scope",
      title: t("alerts.about"),
      width: "minmax(9rem, 0.8fr)",
      value: (row) => row.scope.join(", "),
      show: (row) => <bdi>{row.scope.join(", ")}</bdi>,
    },
    {
      key: "when",
      title: t("alerts.when"),
      width: "minmax(19rem, 2.4fr)",
      value: (row) => row.when.map(ladder).join("; "),
      show: (row) => (
        <bdi dir="ltr" title={row.when.map(ladder).join("; ")}>
          {row.when.map(ladder).join("; ")}
        </bdi>
      ),
    },
    {
      key: "for_s",
      title: t("alerts.for"),
      width: "minmax(5rem, 0.4fr)",
      end: true,
      value: (row) => row.for_s,
      show: (row) => <Num>{row.for_s ? duration(row.for_s * 1_000) : "–"}</Num>,
    },
    {
      key: "open_alerts",
      title: t("alerts.open"),
      width: "minmax(6rem, 0.4fr)",
      end: true,
      value: (row) => row.open_alerts,
      show: (row) => <Num>{count(row.open_alerts)}</Num>,
    },
  ];
}
