/** How do the terms of a score look, laid end to end? */

import type { TermBody } from "../api/schema";
import { tMaybe } from "../i18n";
import { score } from "../parts/format";
import { pieces } from "../parts/pieces";

/** In the order in which they first appear, so that a colour means one term in all bars. */
export function termNames(rows: readonly { terms: readonly TermBody[] }[]): string[] {
  return [...new Set(rows.flatMap((each) => each.terms.map((term) => term.name)))];
}

export function TermLegend({ names }: { names: readonly string[] }) {
  return (
    <p class="legend">
      {names.map((name, place) => (
        <span key={name} class="legend-entry">
          <span class={`swatch swatch-${place + 1}${name === "failures" ? " takes" : ""}`} />
          {tMaybe(`term.${name}`, name)}
        </span>
      ))}
    </p>
  );
}

export function Bar({ terms, names }: { terms: readonly TermBody[]; names: readonly string[] }) {
  const parts = pieces(terms);
  const words = parts.map(
    (part) => `${tMaybe(`term.${part.name}`, part.name)} ${score(part.value)}`,
  );
  return (
    <span class="stack" role="img" aria-label={words.join(", ")}>
      {parts.map((part) => (
        <span
          key={part.name}
          class={`piece swatch-${names.indexOf(part.name) + 1}${part.takes ? " takes" : ""}`}
          style={{ insetInlineStart: `${part.from}%`, inlineSize: `${Math.abs(part.value)}%` }}
        />
      ))}
    </span>
  );
}
