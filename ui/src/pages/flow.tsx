/** Who asks whom: agents on one side, models on the other, as wide as what goes through? */

import type { FlowBody, FlowsBody } from "../api/schema";
import { language, t } from "../i18n";
import { type Band, grouped, laidOut, type Node, OTHERS } from "../parts/bands";
import { Few } from "../parts/few";
import { count, dollars, duration, percent } from "../parts/format";
import { Lead } from "../parts/lead";
import { Num } from "../parts/num";
import { Success } from "../parts/success";
import { agentName, isOne, modelName } from "../state/fleet";
import { decisionsHere, place, recent, refine } from "../state/place";

const MOST_NODES = 24;
const WIDTH = 1000;
const NODE = 12;
const LABEL = 190;
const GAP = 10;
const LEAST = 3;
const ROW = 34;
const MOST_ROWS = 200;

const COLOURS = 11;

export function FlowView({ body }: { body: FlowsBody }) {
  const asTable = place.value.query["flow.table"] === "1";
  if (!body.flows.length) return <p class="empty quiet">{t("flow.nobody")}</p>;
  return (
    <figure class="chart" aria-label={t("flow.title")}>
      <div class="legend legend-of-chart">
        <span class="quiet grow">{t("flow.words")}</span>
        <ui5-button
          design="Transparent"
          icon={asTable ? "line-chart" : "chart-table-view"}
          tooltip={asTable ? t("chart.as_chart") : t("chart.as_table")}
          accessible-name={`${asTable ? t("chart.as_chart") : t("chart.as_table")}: ${t("flow.title")}`}
          onClick={() => refine({ "flow.table": asTable ? "" : "1" })}
        />
      </div>
      {asTable ? (
        <Table flows={body.flows} />
      ) : (
        <div class="scroll">
          <Drawing flows={body.flows} />
        </div>
      )}
    </figure>
  );
}

function Drawing({ flows }: { flows: readonly FlowBody[] }) {
  const few = grouped(
    flows
      .filter((each) => each.attempts > 0)
      .map((each) => ({ from: each.agent_id, to: each.model_id, size: each.attempts })),
    MOST_NODES,
  );
  const sides = Math.max(
    new Set(few.map((each) => each.from)).size,
    new Set(few.map((each) => each.to)).size,
  );
  const { left, right, bands, height } = laidOut(few, Math.max(160, sides * ROW), GAP, LEAST);
  const colours = new Map(right.map((node, place) => [node.id, (place % COLOURS) + 1]));
  const mirrored = language.value === "ar";
  const x = (at: number) => (mirrored ? WIDTH - at : at);
  return (
    <svg
      class="flow"
      viewBox={`0 -8 ${WIDTH} ${height + 16}`}
      role="group"
      aria-label={t("flow.title")}
    >
      {bands.map((band) => (
        <Ribbon
          key={`${band.flow.from}\n${band.flow.to}`}
          band={band}
          colour={colours.get(band.flow.to) ?? 1}
          x={x}
        />
      ))}
      {left.map((node) => (
        <End key={node.id} node={node} x={x} at={LABEL} side="left" mirrored={mirrored} />
      ))}
      {right.map((node) => (
        <End
          key={node.id}
          node={node}
          x={x}
          at={WIDTH - LABEL}
          side="right"
          mirrored={mirrored}
          colour={colours.get(node.id) ?? 1}
        />
      ))}
    </svg>
  );
}

/** The address of what an agent asked a model; empty where it is that of many. */
export function decisionsOf(flow: Pick<FlowBody, "agent_id" | "model_id">): string {
  const { agent_id: agent, model_id: model } = flow;
  return isOne(agent) && isOne(model) ? decisionsHere({ agent, model }, recent.value) : "";
}

const named = (id: string, name: (id: string) => string) =>
  id === OTHERS ? t("overview.others") : name(id);

interface RibbonProps {
  band: Band;
  colour: number;
  x: (at: number) => number;
}

/** On the way to its decisions. */
function Ribbon({ band, colour, x }: RibbonProps) {
  const { from, to, size } = band.flow;
  const [begin, end, middle] = [x(LABEL + NODE), x(WIDTH - LABEL - NODE), x(WIDTH / 2)];
  const [top, bottom] = [band.fromY, band.toY];
  const path =
    `M${begin},${top} C${middle},${top} ${middle},${bottom} ${end},${bottom}` +
    `L${end},${bottom + band.height} ` +
    `C${middle},${bottom + band.height} ${middle},${top + band.height} ${begin},${top + band.height}Z`;
  const words = `${named(from, agentName)} → ${named(to, modelName)}: ${t("flow.attempts", { count: count(size) })}`;
  const shape = (
    <path class="ribbon" style={{ fill: `var(--sapChart_OrderedColor_${colour})` }} d={path}>
      <title>{words}</title>
    </path>
  );
  const leads =
    from === OTHERS || to === OTHERS ? "" : decisionsOf({ agent_id: from, model_id: to });
  if (!leads) return shape;
  return (
    <a href={leads} aria-label={words}>
      {shape}
    </a>
  );
}

interface EndProps {
  node: Node;
  x: (at: number) => number;
  at: number;
  side: "left" | "right";
  mirrored: boolean;
  colour?: number;
}

function End({ node, x, at, side, mirrored, colour }: EndProps) {
  const start = Math.min(x(at), x(side === "left" ? at + NODE : at - NODE));
  const outside = (side === "left") !== mirrored;
  const name = named(node.id, side === "left" ? agentName : modelName);
  return (
    <g>
      <rect
        x={start}
        y={node.y}
        width={NODE}
        height={node.height}
        class="flow-end"
        style={colour ? { fill: `var(--sapChart_OrderedColor_${colour})` } : {}}
      />
      <text
        x={outside ? start - 8 : start + NODE + 8}
        y={node.y + node.height / 2}
        text-anchor={outside ? "end" : "start"}
        direction="ltr"
        dominant-baseline="middle"
      >
        {short(name)} <tspan class="flow-size">{count(node.size)}</tspan>
      </text>
    </g>
  );
}

const short = (name: string) => (name.length > 22 ? `${name.slice(0, 21)}…` : name);

function Table({ flows }: { flows: readonly FlowBody[] }) {
  const more = flows.length - MOST_ROWS;
  return (
    <>
      <Few
        label={t("flow.title")}
        heads={[
          t("column.agent"),
          t("column.model"),
          { text: t("column.attempts"), end: true },
          { text: t("column.share"), end: true },
          t("column.success"),
          { text: "p95", end: true },
          { text: t("column.cost"), end: true },
        ]}
      >
        {flows.slice(0, MOST_ROWS).map((each) => (
          <tr key={`${each.agent_id}\n${each.model_id}`}>
            <th scope="row">
              <bdi>{agentName(each.agent_id)}</bdi>
            </th>
            <td>
              <Lead to={decisionsOf(each)}>
                <bdi>{modelName(each.model_id)}</bdi>
              </Lead>
            </td>
            <td class="end">
              <Num>{count(each.attempts)}</Num>
            </td>
            <td class="end">
              <Num>{percent(each.share)}</Num>
            </td>
            <td>
              <Success share={each.success_rate} />
            </td>
            <td class="end">
              <Num>{duration(each.p95_ms)}</Num>
            </td>
            <td class="end">
              <Num>{dollars(each.cost_usd)}</Num>
            </td>
          </tr>
        ))}
      </Few>
      {more > 0 ? <p class="quiet">{t("drain.and_more", { count: more })}</p> : null}
    </>
  );
}
