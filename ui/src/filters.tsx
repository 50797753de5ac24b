/** Of what, since when, and how often? The one filter bar of all pages. */

import { type Key, t } from "./i18n";
import { Choice } from "./parts/choice";
import { agentOptions, Instant, modelOptions, OneOf } from "./parts/wishes";
import { agents, models } from "./state/fleet";
import {
  CADENCES,
  cadence,
  endsWrong,
  halfKept,
  paused,
  place,
  RANGES,
  range,
  refine,
} from "./state/place";

/** Pages that show what is going on; on the others there is nothing to filter by. */
const FILTERED = new Set(["overview", "agents", "models"]);

export function Filters() {
  const { page, id, query } = place.value;
  if (!FILTERED.has(page) || id) return null;
  const kinds = unique(agents.value.map((agent) => agent.kind)).map(named);
  const providers = unique(models.value.map((model) => model.provider)).map(named);
  const filtered = ["agent", "kind", "model", "provider"].filter((name) => query[name]);
  return (
    <div class="filters" role="search" aria-label={t("filter.title")}>
      <ui5-segmented-button
        accessible-name={t("filter.range")}
        onselection-change={(event: CustomEvent<{ selectedItems: HTMLElement[] }>) => {
          chooseRange(event.detail.selectedItems[0]?.dataset.value ?? "");
        }}
      >
        {RANGES.map((each) => (
          <ui5-segmented-button-item key={each} data-value={each} selected={each === range.value}>
            {t(`range.${each}` as Key)}
          </ui5-segmented-button-item>
        ))}
      </ui5-segmented-button>
      <OneOf name="kind" label={t("filter.kind")} value={query.kind ?? ""} options={kinds} />
      <OneOf
        name="agent"
        label={t("filter.agent")}
        value={query.agent ?? ""}
        options={agentOptions.value}
      />
      <OneOf
        name="provider"
        label={t("filter.provider")}
        value={query.provider ?? ""}
        options={providers}
      />
      <OneOf
        name="model"
        label={t("filter.model")}
        value={query.model ?? ""}
        options={modelOptions.value}
      />
      {filtered.length ? (
        <ui5-button
          design="Transparent"
          icon="decline"
          tooltip={t("filter.clear")}
          accessible-name={t("filter.clear")}
          onClick={() => refine({ agent: "", kind: "", model: "", provider: "" })}
        />
      ) : null}
      <span class="filters-end">
        <Choice
          class="narrow"
          label={t("filter.every")}
          value={String(cadence.value)}
          options={CADENCES.map((n) => ({ value: String(n), text: t("filter.seconds", { n }) }))}
          choose={(every) => refine({ every: every === "5" ? "" : every })}
        />
        <ui5-button
          design="Transparent"
          icon={paused.value ? "play" : "pause"}
          onClick={() => refine({ paused: paused.value ? "" : "1" })}
        >
          {paused.value ? t("action.resume") : t("action.pause")}
        </ui5-button>
      </span>
      {range.value === "custom" ? (
        <span class="filters-range filters-note">
          <Instant name="start" label={t("filter.start")} fixed />
          <Instant name="end" label={t("filter.end")} fixed />
        </span>
      ) : null}
      {endsWrong.value ? (
        <p class="wrong filters-note" role="alert">
          {t("filter.ends_wrong")}
        </p>
      ) : null}
      {halfKept.value ? (
        <p class="wrong filters-note" role="status">
          {t("filter.half_kept")}
        </p>
      ) : null}
    </div>
  );
}

const DAY_MS = 86_400_000;

/** A range of one's own begins as the last day. */
function chooseRange(name: string): void {
  const now = Date.now();
  const ends = { start: new Date(now - DAY_MS).toISOString(), end: new Date(now).toISOString() };
  refine({ range: name, ...(name === "custom" ? ends : { start: "", end: "" }) });
}

const named = (value: string) => ({ value, text: value });

function unique(values: readonly string[]): string[] {
  return [...new Set(values)].filter(Boolean).sort();
}
