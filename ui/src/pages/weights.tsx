/** What would the last requests have got with other weights? */

import { useState } from "preact/hooks";
import { call } from "../api/client";
import type { PreviewBody } from "../api/schema";
import { type Key, t } from "../i18n";
import { useAttempt } from "../parts/attempt";
import { Choice } from "../parts/choice";
import { Few } from "../parts/few";
import { change, count, dollars, duration, percent } from "../parts/format";
import { Num } from "../parts/num";
import { Panel } from "../parts/panel";
import { agents, modelName } from "../state/fleet";
import { place, refine } from "../state/place";

const PARTS = ["quality", "latency", "cost"] as const;
type Part = (typeof PARTS)[number];
const USUAL: Record<Part, number> = { quality: 60, latency: 25, cost: 15 };
const COUNTS = [20, 100, 200];

/** In percent, from the address; each as it was left. */
function wished(): Record<Part, number> {
  const given = (part: Part) => Number(place.value.query[`w.${part}`] ?? USUAL[part]);
  const known = (part: Part) => (Number.isFinite(given(part)) ? given(part) : USUAL[part]);
  return { quality: known("quality"), latency: known("latency"), cost: known("cost") };
}

/** As shares that sum to 1, whatever the sliders sum to. */
export function sharesOf(points: Record<Part, number>): Record<Part, number> {
  const sum = PARTS.reduce((total, part) => total + points[part], 0);
  const share = (part: Part) => (sum > 0 ? points[part] / sum : 1 / PARTS.length);
  return { quality: share("quality"), latency: share("latency"), cost: share("cost") };
}

export function WeightsPreview() {
  const points = wished();
  const shares = sharesOf(points);
  const { "w.agent": agent = "", "w.n": limit = "100" } = place.value.query;
  const [found, setFound] = useState<PreviewBody | null>(null);
  const { attempt, failed, busy } = useAttempt();
  const ask = () =>
    attempt(async () => {
      const body = { ...shares, agent_id: agent || null, limit: Number(limit) };
      setFound(await call<PreviewBody>("/weights/preview", { method: "POST", body }));
    });
  return (
    <Panel title={t("weights.title")} hint={t("weights.hint")}>
      <form
        class="filters filters-plain weights"
        onSubmit={(event) => {
          event.preventDefault();
          ask();
        }}
      >
        {PARTS.map((part) => (
          <label key={part} class="weight">
            <span>
              {t(`weights.${part}` as Key)} <Num>{percent(shares[part])}</Num>
            </span>
            <input
              type="range"
              min={0}
              max={100}
              step={5}
              value={points[part]}
              onInput={(event) => refine({ [`w.${part}`]: event.currentTarget.value })}
            />
          </label>
        ))}
        <Choice
          label={t("weights.whose")}
          value={agent}
          options={[
            { value: "", text: t("weights.all_agents") },
            ...agents.value.map((each) => ({ value: each.agent_id, text: each.name })),
          ]}
          choose={(value) => refine({ "w.agent": value })}
        />
        <Choice
          class="narrow"
          label={t("weights.how_many")}
          value={limit}
          options={COUNTS.map((n) => ({ value: String(n), text: t("weights.last", { n }) }))}
          choose={(value) => refine({ "w.n": value })}
        />
        <button class="primary" type="submit" disabled={busy}>
          {t("weights.ask")}
        </button>
      </form>
      {failed}
      {found ? (
        <div role="status">
          <Preview found={found} />
        </div>
      ) : null}
    </Panel>
  );
}

function Preview({ found }: { found: PreviewBody }) {
  if (!found.decided) return <p class="empty quiet">{t("weights.nothing")}</p>;
  const { before, after } = found;
  const rows: [string, string, string, string | null][] = [
    [
      t("column.success"),
      percent(before.success_rate),
      percent(after.success_rate),
      change(after.success_rate, before.success_rate),
    ],
    [
      t("column.latency"),
      duration(before.latency_ms),
      duration(after.latency_ms),
      change(after.latency_ms, before.latency_ms),
    ],
    [
      t("column.cost"),
      dollars(before.cost_usd),
      dollars(after.cost_usd),
      change(after.cost_usd, before.cost_usd),
    ],
  ];
  return (
    <>
      <p>
        {t("weights.changed", { changed: found.changed, decided: found.decided })}
        {found.left_out ? (
          <span class="quiet"> {t("weights.left_out", { count: found.left_out })}</span>
        ) : null}
      </p>
      <div class="columns">
        <Few
          label={t("weights.expected")}
          heads={[
            t("weights.expected"),
            { text: t("weights.today"), end: true },
            { text: t("weights.then"), end: true },
            { text: t("weights.change"), end: true },
          ]}
        >
          {rows.map(([name, now, then, by]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              {[now, then, by ?? "–"].map((value, place) => (
                <td class="end" key={place}>
                  <Num>{value}</Num>
                </td>
              ))}
            </tr>
          ))}
        </Few>
        <Few
          label={t("weights.models")}
          heads={[
            t("column.model"),
            { text: t("weights.today"), end: true },
            { text: t("weights.then"), end: true },
          ]}
        >
          {found.models.map((each) => (
            <tr key={each.model_id}>
              <th scope="row">
                <bdi>{modelName(each.model_id)}</bdi>
              </th>
              <td class="end">
                <Num>{count(each.before)}</Num>
              </td>
              <td class="end">
                <Num>{count(each.after)}</Num>
              </td>
            </tr>
          ))}
        </Few>
      </div>
    </>
  );
}
