/** What is wrong, what was, who is told of it, and by which rules is it judged? */

import type { JSX } from "preact";
import { t } from "../i18n";
import { Panel } from "../parts/panel";
import { currentView, Views } from "../parts/views";
import { place } from "../state/place";
import { Delivery } from "./alert_delivery";
import { OpenAlerts } from "./alert_list";
import { History, Rules, Silences } from "./alert_more";
import { OneAlert } from "./one_alert";

const NAMES = ["open", "history", "silences", "delivery", "rules"] as const;
const VIEWS: Record<(typeof NAMES)[number], () => JSX.Element> = {
  open: Open,
  history: History,
  silences: Silences,
  delivery: Delivery,
  rules: Rules,
};

export default function Alerts() {
  const { id } = place.value;
  if (id) return <OneAlert key={id} id={id} />;
  const View = VIEWS[currentView(NAMES)];
  return (
    <div class="page">
      <h1 class="unseen">{t("page.alerts")}</h1>
      <Views label={t("alerts.views")} names={NAMES} prefix="alerts." />
      <View />
    </div>
  );
}

function Open() {
  return (
    <Panel title={t("alerts.open")} hint={t("alerts.open_hint")}>
      <OpenAlerts />
    </Panel>
  );
}
