/** Why did an alert fire, and what happened to it since? */

import { useEffect, useState } from "preact/hooks";
import { call } from "../api/client";
import type { AlertBody, EvidenceBody, OneAlertBody } from "../api/schema";
import { t } from "../i18n";
import { measured } from "../parts/alert_words";
import { Facts } from "../parts/facts";
import { count, duration, instant } from "../parts/format";
import { Num } from "../parts/num";
import { Panel } from "../parts/panel";
import { useResource } from "../parts/resource";
import { Shown } from "../parts/state";
import { openAlerts } from "../state/alerts";
import { linkTo } from "../state/place";
import { Acknowledge, Silence } from "./alert_dialogs";
import { Acts, How, Severity } from "./alert_list";
import { Steps } from "./alert_more";

export function OneAlert({ id }: { id: string }) {
  const path = `/alerts/${encodeURIComponent(id)}`;
  const found = useResource(id, (signal) => call<OneAlertBody>(path, { signal }));
  const news = openAlerts.value;
  const { reload } = found;
  useEffect(reload, [news, reload]);
  return (
    <div class="page">
      <p class="crumbs">
        <a href={linkTo("alerts")}>{t("page.alerts")}</a> <span aria-hidden="true">/</span>{" "}
        <code dir="ltr">{id}</code>
      </p>
      <Shown of={found} rows={8}>
        {(body) => (
          <>
            {body.alert ? <Standing alert={body.alert} /> : <p>{t("alerts.over")}</p>}
            <Panel title={t("alerts.history")}>
              <Steps events={body.events} />
            </Panel>
          </>
        )}
      </Shown>
    </div>
  );
}

function Standing({ alert }: { alert: AlertBody }) {
  const [asked, setAsked] = useState<"ack" | "silence" | null>(null);
  const close = () => setAsked(null);
  const { acknowledged: taken } = alert;
  return (
    <>
      <header class="headline">
        <h1>
          <bdi>{alert.rule}</bdi>
        </h1>
        <Severity name={alert.severity} />
        <How alert={alert} />
        <span class="grow" />
        <Acts alert={alert} ask={(what) => setAsked(what?.what ?? null)} />
      </header>
      <p class="reason">
        <bdi>{alert.message}</bdi>
      </p>
      <Evidence evidence={alert.evidence} />
      <Panel title={t("alerts.why")}>
        <p>
          <bdi>{alert.explanation}</bdi>
        </p>
        <p class="quiet">
          {t("alerts.first_seen")} <Num>{instant(alert.starts_at)}</Num> · {t("alerts.last_seen")}{" "}
          <Num>{instant(alert.ends_at ?? alert.timestamp)}</Num>
        </p>
        {taken ? (
          <p>
            {t("alerts.taken_by", { who: taken.by })} {t("assign.until")}{" "}
            <Num>{instant(taken.until)}</Num>
            {taken.comment ? (
              <>
                : <bdi>{taken.comment}</bdi>
              </>
            ) : null}
          </p>
        ) : null}
      </Panel>
      {asked === "ack" ? <Acknowledge alert={alert} close={close} /> : null}
      {asked === "silence" ? <Silence alert={alert} close={close} /> : null}
    </>
  );
}

function Evidence({ evidence }: { evidence: EvidenceBody }) {
  const { unit } = evidence;
  const facts: [string, string][] = [
    [t("analytics.metric"), evidence.metric],
    [t("alerts.measured"), measured(evidence.value, unit)],
    [t("alerts.bound"), measured(evidence.bound, unit)],
    [t("alerts.threshold"), measured(evidence.threshold, unit)],
    [t("alerts.count"), count(evidence.count)],
    [t("alerts.window"), duration(evidence.window_s * 1_000)],
  ];
  if (evidence.note) facts.push([t("alerts.note"), evidence.note]);
  return <Facts facts={facts} />;
}
