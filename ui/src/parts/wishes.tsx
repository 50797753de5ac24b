/** Which controls narrow what is shown, each by a name that it has in the address? */

import { computed } from "@preact/signals";
import { t } from "../i18n";
import { agents, models } from "../state/fleet";
import { place, refine } from "../state/place";
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

/** An instant, as the clock on the wall says here; empty for none. */
export function Instant({ name, label, fixed }: { name: string; label: string; fixed?: true }) {
  return (
    <label class="ranged">
      <span class="quiet">{label}</span>
      <input
        class="instant"
        type="datetime-local"
        step={fixed ? 60 : 1}
        value={localTime(place.value.query[name] ?? "", fixed ? 16 : 19)}
        onChange={(event) => {
          const at = Date.parse(event.currentTarget.value);
          if (!Number.isNaN(at)) refine({ [name]: new Date(at).toISOString() });
          else if (!fixed) refine({ [name]: "" });
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
