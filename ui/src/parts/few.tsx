/** How are rows shown that are too few to sort and to search? */

import type { ComponentChildren } from "preact";

interface Head {
  text: string;
  /** Figures stand at the end of their column. */
  end?: true;
  /** Said to who cannot see that there are only buttons beneath. */
  unseen?: true;
}

interface FewProps {
  label: string;
  heads: readonly (string | Head)[];
  /** The rows. */
  children: ComponentChildren;
  /** What they come to. */
  foot?: ComponentChildren;
}

export function Few({ label, heads, children, foot }: FewProps) {
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label={label}>
      <table class="few">
        <thead>
          <tr>
            {heads.map((each) => {
              const head: Head = typeof each === "string" ? { text: each } : each;
              return (
                <th key={head.text} scope="col" class={head.end ? "end" : undefined}>
                  {head.unseen ? <span class="unseen">{head.text}</span> : head.text}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>{children}</tbody>
        {foot ? <tfoot>{foot}</tfoot> : null}
      </table>
    </div>
  );
}
