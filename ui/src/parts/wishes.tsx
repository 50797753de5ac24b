/** Which controls narrow what is shown, each by a name that it has in the address? */

import { computed } from "@preact/signals";
import { t } from "../i18n";
import { agents, models } from "../state/fleet";
import { endsWrong, place, range, refine } from "../state/place";
import { Choice } from "./choice";

export interface Option {
  value: string;
  text: string;
}

/** The same lists as long as they hold the same: thousands of options are not looked at again. */
export const agentOptions = computed<readonly Option[]>(() =>
  agents.value.map((each) => ({ value: each.agent_id, text: each.name })),
);
export const modelOptions = computed<readonly Option[]>(() =>
  models.value.map((each) => ({ value: each.model_id, text: each.name })),
);

export const kindOptions = computed<readonly Option[]>(() =>
  unique(agents.value.map((each) => each.kind)),
);
export const providerOptions = computed<readonly Option[]>(() =>
  unique(models.value.map((each) => each.provider)),
);

function unique(values: readonly string[]): Option[] {
  const found = [...new Set(values)].filter(Boolean).sort();
  return found.map((value) => ({ value, text: value }));
}

interface OneOfProps {
  /** In the address. */
  name: string;
  label: string;
  value: string;
  options: readonly Option[];
}

/** One of the options, or any. */
export function OneOf({ name, label, value, options }: OneOfProps) {
  return (
    <Choice
      label={label}
      value={value}
      any={`${label}: ${t("filter.any")}`}
      options={options}
      choose={(chosen) => refine({ [name]: chosen })}
    />
  );
}

/** The ends of a range of one's own, where that is chosen. */
export function EndsOfRange() {
  return (
    <>
      {range.value === "custom" ? (
        <span class="filters-range filters-note">
          {(["start", "end"] as const).map((name) => (
            <Instant
              key={name}
              label={t(`filter.${name}`)}
              value={place.value.query[name] ?? ""}
              choose={(at) => refine({ [name]: at, zoom: "" })}
              fixed
            />
          ))}
        </span>
      ) : null}
      {endsWrong.value ? (
        <p class="wrong filters-note" role="alert">
          {t("filter.ends_wrong")}
        </p>
      ) : null}
    </>
  );
}

interface InstantProps {
  label: string;
  /** In UTC, empty for none. */
  value: string;
  choose: (instant: string) => void;
  /** To the minute, and it is always there. */
  fixed?: true;
}

/** An instant, as the clock on the wall says here; empty for none. */
export function Instant({ label, value, choose, fixed }: InstantProps) {
  return (
    <label class="ranged">
      <span class="quiet">{label}</span>
      <input
        class="instant"
        type="datetime-local"
        step={fixed ? 60 : 1}
        value={localTime(value, fixed ? 16 : 19)}
        onChange={(event) => {
          const at = Date.parse(event.currentTarget.value);
          if (!Number.isNaN(at)) choose(new Date(at).toISOString());
          else if (!fixed) choose("");
        }}
      />
    </label>
  );
}

/** As the browser's control takes it: without a zone, to the minute or the second by its length. */
export function localTime(instant: string, length: number): string {
  const at = new Date(instant);
  if (Number.isNaN(at.getTime())) return "";
  const shifted = new Date(at.getTime() - 60_000 * at.getTimezoneOffset());
  return shifted.toISOString().slice(0, length);
}
