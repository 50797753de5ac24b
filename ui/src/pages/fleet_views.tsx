/** Who asks whom, drawn or as a table of all pairs: read when one of the two is gone to. */

import { call } from "../api/client";
import type { FlowsBody } from "../api/schema";
import { useResource } from "../parts/resource";
import { Shown } from "../parts/state";
import { narrowed, range } from "../state/place";
import { FlowView } from "./flow";
import { MatrixView } from "./matrix";

interface ViewProps {
  view: "flow" | "matrix";
  standing: ReadonlyMap<string, string>;
}

export default function FleetView({ view, standing }: ViewProps) {
  const query = { range: range.value, ...narrowed.value };
  const found = useResource(
    JSON.stringify(query),
    (signal) => call<FlowsBody>("/flows", { query, signal }),
    true,
  );
  return (
    <Shown of={found} rows={8}>
      {(body) =>
        view === "flow" ? <FlowView body={body} /> : <MatrixView body={body} standing={standing} />
      }
    </Shown>
  );
}
