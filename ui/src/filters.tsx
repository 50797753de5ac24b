/** Of what, since when, and how often? The one filter bar of all pages. */

import { type Key, t } from "./i18n";
import { Choice } from "./parts/choice";
import {
  agentOptions,
  EndsOfRange,
  kindOptions,
  modelOptions,
  OneOf,
  providerOptions,
} from "./parts/wishes";
import {
  CADENCES,
  cadence,
  chooseRange,
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
      <OneOf
        name="kind"
        label={t("filter.kind")}
        value={query.kind ?? ""}
        options={kindOptions.value}
      />
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
        options={providerOptions.value}
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
      <EndsOfRange />
      {halfKept.value ? (
        <p class="wrong filters-note" role="status">
          {t("filter.half_kept")}
        </p>
      ) : null}
    </div>
  );
}
