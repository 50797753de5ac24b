/** How is one of several values chosen? By the browser's own control, in the theme's clothes. */

interface ChoiceProps {
  label: string;
  value: string;
  options: readonly { value: string; text: string }[];
  choose: (value: string) => void;
  class?: string;
}

export function Choice({ label, value, options, choose, class: name }: ChoiceProps) {
  return (
    <span class={name ? `choice ${name}` : "choice"}>
      <select
        aria-label={label}
        title={label}
        value={value}
        onChange={(event) => choose(event.currentTarget.value)}
      >
        {options.map((option) => (
          <option key={option.value} value={option.value} selected={option.value === value}>
            {option.text}
          </option>
        ))}
      </select>
      <ui5-icon name="slim-arrow-down" aria-hidden="true" />
    </span>
  );
}
