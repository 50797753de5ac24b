/** Who asks whom, drawn or as a table of all pairs: read when one of the two is gone to. */

import { call } from "../api/client";
import type { FlowsBody } from "../api/schema";
import { t } from "../i18n";
import { count } from "../parts/format";
import { useResource } from "../parts/resource";
import { Shown } from "../parts/state";
import { atHand, narrowed, recent } from "../state/place";
import { FlowView } from "./flow";
import { MatrixView } from "./matrix";

interface ViewProps {
  view: "flow" | "matrix";
}

export default function FleetView({ view }: ViewProps) {
  const query = { range: recent.value, ...narrowed.value };
  const found = useResource(
    JSON.stringify(query),
    (signal) => call<FlowsBody>("/flows", { query, signal }),
    true,
  );
  return (
    <>
      {atHand.value ? null : <p class="quiet">{t("flow.at_most_hour")}</p>}
      {found.data && found.data.total_flows > found.data.flows.length ? (
        <p class="quiet">
          {t("flow.busiest", {
            told: count(found.data.flows.length),
            all: count(found.data.total_flows),
          })}
        </p>
      ) : null}
      <Shown of={found} rows={8}>
        {(body) => (view === "flow" ? <FlowView body={body} /> : <MatrixView body={body} />)}
      </Shown>
    </>
  );
}
