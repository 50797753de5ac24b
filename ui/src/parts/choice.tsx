/** How is one of several values chosen? By the browser's own control, in the theme's clothes. */

import { useMemo } from "preact/hooks";

interface ChoiceProps {
  label: string;
  value: string;
  options: readonly { value: string; text: string }[];
  /** What stands first, and for the empty value. */
  any?: string;
  choose: (value: string) => void;
  class?: string;
}

export function Choice({ label, value, options, any, choose, class: name }: ChoiceProps) {
  // There may be thousands, of which nothing has changed.
  const drawn = useMemo(
    () =>
      options.map((option) => (
        <option key={option.value} value={option.value} selected={option.value === value}>
          {option.text}
        </option>
      )),
    [options, value],
  );
  return (
    <span class={name ? `choice ${name}` : "choice"}>
      <select
        aria-label={label}
        title={label}
        value={value}
        onChange={(event) => choose(event.currentTarget.value)}
      >
        {any === undefined ? null : (
          <option value="" selected={value === ""}>
            {any}
          </option>
        )}
        {drawn}
      </select>
      <ui5-icon name="slim-arrow-down" aria-hidden="true" />
    </span>
  );
}
