/** How have latency and load gone, and which decisions stand behind each step of that? */

import type { OverviewBody } from "../api/schema";
import { type Key, t } from "../i18n";
import { Chart } from "../parts/chart";
import { duration, rate } from "../parts/format";
import type { Line, Mark } from "../parts/lines";
import { Panel } from "../parts/panel";
import { toDecisions } from "../parts/spikes";
import { Shown } from "../parts/state";
import { isOne, modelName } from "../state/fleet";
import { askOnce, overview, overviewError } from "../state/live";
import { atHand, linkTo, range } from "../state/place";

const alertMarks = (body: OverviewBody): Mark[] =>
  body.marks.map((each) => ({
    at: Date.parse(each.at) / 1_000,
    severity: each.severity,
    label: `${t(`severity.${each.severity}` as Key)}: ${each.alert_type.replaceAll("_", " ").toLowerCase()} (${each.scope})`,
    href: linkTo("alerts", each.alert_id),
  }));

/** Which steps of a course there are, and where each leads. */
function courseOf(body: OverviewBody, narrow: Readonly<Record<string, string>> = {}) {
  const times = body.points.map((point) => Date.parse(point.at) / 1_000);
  // Of late what ended in a step is told in it, of former times what was begun there.
  const took_s = (place: number) =>
    atHand.value ? Math.ceil(body.points[place]?.p99_ms ?? 0) / 1_000 : 0;
  return { times, leads: toDecisions({ times, step_s: body.step_s, took_s, narrow }) };
}

interface LatencyProps {
  body: OverviewBody;
  narrow?: Readonly<Record<string, string>>;
}

export function LatencyChart({ body, narrow }: LatencyProps) {
  const latency: Line[] = [
    { id: "p50", label: "p50", values: body.points.map((point) => point.p50_ms), colour: 5 },
    { id: "p95", label: "p95", values: body.points.map((point) => point.p95_ms), colour: 1 },
    { id: "p99", label: "p99", values: body.points.map((point) => point.p99_ms), colour: 2 },
  ];
  return (
    <Chart
      name="latency"
      label={t("overview.latency")}
      {...courseOf(body, narrow)}
      lines={latency}
      format={duration}
      marks={alertMarks(body)}
    />
  );
}

/** Those of everybody: latency, and what each model is asked and how slow it is. */
export function Charts({ body }: { body: OverviewBody }) {
  const course = courseOf(body);
  const name = (id: string | null) => (id === null ? t("overview.others") : modelName(id));
  const only = (id: string | null): Record<string, string> =>
    id === null || !isOne(id) ? {} : { model: id };
  const requests = body.courses.map((course) => ({
    id: course.model_id ?? "",
    label: name(course.model_id),
    values: course.requests_per_s,
    narrow: only(course.model_id),
  }));
  const slow = body.courses.slice(0, 6).map((course) => ({
    id: course.model_id ?? "",
    label: name(course.model_id),
    values: course.p95_ms,
    narrow: only(course.model_id),
  }));
  return (
    <div class="charts">
      <Panel title={t("overview.latency")} class="wide">
        <LatencyChart body={body} />
      </Panel>
      <Panel title={t("overview.by_model")}>
        <Chart
          name="by_model"
          label={t("overview.by_model")}
          {...course}
          lines={requests}
          format={rate}
          marks={alertMarks(body)}
          stacked
        />
      </Panel>
      <Panel title={t("overview.p95_by_model")}>
        <Chart
          name="p95"
          label={t("overview.p95_by_model")}
          {...course}
          lines={slow}
          format={duration}
        />
      </Panel>
    </div>
  );
}

/** How the one model or agent has done in the range whose page this is. */
export function OneCourse({ narrow }: { narrow: Readonly<Record<string, string>> }) {
  const of = {
    data: overview.value ?? undefined,
    error: overviewError.value,
    reload: () => void askOnce(),
  };
  return (
    <Panel title={t("overview.latency")} hint={t(`range.${range.value}` as Key)}>
      <Shown of={of} rows={5}>
        {(body) => <LatencyChart body={body} narrow={narrow} />}
      </Shown>
    </Panel>
  );
}
