/** How are a few facts about one thing shown, each by its name? */

import type { ComponentChildren } from "preact";
import { Num } from "./num";

/** Characters beyond which a fact takes the room of two. */
const LONG = 24;

/** Beside each other, as tiles. What is null is left out. */
export function Facts({ facts }: { facts: readonly (readonly [string, string | null])[] }) {
  return (
    <dl class="facts">
      {facts.map(([name, value]) =>
        value === null ? null : (
          <div key={name} class={value.length > LONG ? "is-long" : ""}>
            <dt>{name}</dt>
            <dd>
              <Num>{value}</Num>
            </dd>
          </div>
        ),
      )}
    </dl>
  );
}

type Line = readonly [name: string, value: string, more?: ComponentChildren];

/** Beneath each other; what is said besides stands at the end of a line. */
export function Lines({ lines }: { lines: readonly Line[] }) {
  return (
    <table class="few">
      <tbody>
        {lines.map(([name, value, more]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>
              <Num>{value}</Num>
            </td>
            {more === undefined ? null : <td class="quiet">{more}</td>}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
