/** What is wrong now, the gravest first, and does somebody take care of it? */

import { useState } from "preact/hooks";
import { call } from "../api/client";
import type { AlertBody } from "../api/schema";
import { t, tMaybe } from "../i18n";
import { againstLimit, byUrgency, toneOfSeverity } from "../parts/alert_words";
import { useAttempt } from "../parts/attempt";
import { Few } from "../parts/few";
import { instant } from "../parts/format";
import { Num } from "../parts/num";
import { Tag } from "../parts/panel";
import { Empty, Shown } from "../parts/state";
import { alertsError, askForAlerts, openAlerts } from "../state/alerts";
import { linkTo } from "../state/place";
import { mayChange } from "../state/session";
import { Acknowledge, Silence } from "./alert_dialogs";

type Asked = { of: AlertBody; what: "ack" | "silence" } | null;

export function Severity({ name }: { name: string }) {
  return <Tag tone={toneOfSeverity(name)}>{tMaybe(`severity.${name}`, name)}</Tag>;
}

/** The open alerts; `most` of them where there is little room. */
export function OpenAlerts({ most }: { most?: number }) {
  const of = {
    data: openAlerts.value ?? undefined,
    error: alertsError.value,
    reload: () => void askForAlerts(),
  };
  return (
    <Shown of={of} rows={3}>
      {(body) =>
        body.alerts.length ? (
          <Table alerts={byUrgency(body.alerts).slice(0, most)} />
        ) : most ? (
          <p class="all-well">
            <ui5-icon name="accept" aria-hidden="true" /> {t("alerts.none")}
          </p>
        ) : (
          <Empty title={t("alerts.none")} command="pointsman alerts rules">
            {t("alerts.none_words")}
          </Empty>
        )
      }
    </Shown>
  );
}

function Table({ alerts }: { alerts: readonly AlertBody[] }) {
  const [asked, setAsked] = useState<Asked>(null);
  const close = () => setAsked(null);
  return (
    <>
      <Few
        label={t("alerts.open")}
        heads={[
          t("alerts.severity"),
          t("alerts.what"),
          t("alerts.about"),
          { text: t("alerts.value"), end: true },
          t("alerts.since"),
          t("column.status"),
          { text: t("runs.act"), unseen: true },
        ]}
      >
        {alerts.map((alert) => (
          <Row key={alert.alert_id} alert={alert} ask={setAsked} />
        ))}
      </Few>
      {asked?.what === "ack" ? <Acknowledge alert={asked.of} close={close} /> : null}
      {asked?.what === "silence" ? <Silence alert={asked.of} close={close} /> : null}
    </>
  );
}

function Row({ alert, ask }: { alert: AlertBody; ask: (asked: Asked) => void }) {
  return (
    <tr>
      <td>
        <Severity name={alert.severity} />
      </td>
      <th scope="row">
        <a href={linkTo("alerts", alert.alert_id)} title={alert.message}>
          <bdi>{alert.rule}</bdi>
        </a>
      </th>
      <td>
        <bdi>{alert.scope.id || tMaybe(`alerts.scope_${alert.scope.kind}`, alert.scope.kind)}</bdi>
      </td>
      <td class="end">
        <Num>{againstLimit(alert.evidence)}</Num>
      </td>
      <td>
        <Num>{instant(alert.starts_at)}</Num>
      </td>
      <td>
        <How alert={alert} />
      </td>
      <td class="end">
        <Acts alert={alert} ask={ask} />
      </td>
    </tr>
  );
}

/** In which state it is, and why nobody is told of it, where that is so. */
export function How({ alert }: { alert: AlertBody }) {
  return (
    <span class="tags">
      <Tag tone="plain">{tMaybe(`alerts.state_${alert.state}`, alert.state)}</Tag>
      {alert.acknowledged ? (
        <Tag tone="good">{t("alerts.taken_by", { who: alert.acknowledged.by })}</Tag>
      ) : null}
      {alert.silenced_by.length ? <Tag tone="info">{t("alerts.silenced")}</Tag> : null}
      {alert.inhibited_by ? <Tag tone="info">{t("alerts.hidden")}</Tag> : null}
      {alert.flapping ? <Tag tone="warn">{t("alerts.flapping")}</Tag> : null}
    </span>
  );
}

/** Take it, give it back, silence it: an admin may. */
export function Acts({ alert, ask }: { alert: AlertBody; ask: (asked: Asked) => void }) {
  const { attempt, failed } = useAttempt();
  const giveBack = () =>
    attempt(async () => {
      const path = `/alerts/${encodeURIComponent(alert.alert_id)}/ack`;
      await call(path, { method: "DELETE" });
      await askForAlerts();
    });
  const named = (verb: string) => `${verb}: ${alert.rule} ${alert.scope.id}`.trim();
  const taken = alert.acknowledged !== null;
  const verb = t(taken ? "alerts.unack" : "alerts.ack");
  return (
    <>
      <ui5-button
        design="Transparent"
        icon={taken ? "undo" : "accept"}
        disabled={!mayChange.value}
        accessible-name={named(verb)}
        onClick={() => (taken ? giveBack() : ask({ of: alert, what: "ack" }))}
      >
        {verb}
      </ui5-button>
      <ui5-button
        design="Transparent"
        icon="bell"
        disabled={!mayChange.value}
        accessible-name={named(t("alerts.silence"))}
        onClick={() => ask({ of: alert, what: "silence" })}
      >
        {t("alerts.silence")}
      </ui5-button>
      {failed}
    </>
  );
}
