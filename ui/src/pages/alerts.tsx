/** What is wrong, what was, who is told of it, and by which rules is it judged? */

import type { JSX } from "preact";
import { type Key, t } from "../i18n";
import { Panel } from "../parts/panel";
import { place, refine } from "../state/place";
import { Delivery } from "./alert_delivery";
import { OpenAlerts } from "./alert_list";
import { History, Rules, Silences } from "./alert_more";
import { OneAlert } from "./one_alert";

const VIEWS: Record<string, () => JSX.Element> = {
  open: Open,
  history: History,
  silences: Silences,
  delivery: Delivery,
  rules: Rules,
};

export default function Alerts() {
  const { id, query } = place.value;
  if (id) return <OneAlert key={id} id={id} />;
  const name = query.view && query.view in VIEWS ? query.view : "open";
  const View = VIEWS[name] ?? Open;
  return (
    <div class="page">
      <h1 class="unseen">{t("page.alerts")}</h1>
      <div class="views">
        <ui5-segmented-button
          accessible-name={t("alerts.views")}
          onselection-change={(event: CustomEvent<{ selectedItems: HTMLElement[] }>) => {
            const view = event.detail.selectedItems[0]?.dataset.value ?? "";
            refine({ view: view === "open" ? "" : view });
          }}
        >
          {Object.keys(VIEWS).map((each) => (
            <ui5-segmented-button-item key={each} data-value={each} selected={each === name}>
              {t(`alerts.${each}` as Key)}
            </ui5-segmented-button-item>
          ))}
        </ui5-segmented-button>
      </div>
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
