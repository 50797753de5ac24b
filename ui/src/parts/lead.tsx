/** How do words lead somewhere, if there is a place to lead to? */

import type { ComponentChildren } from "preact";

/** A link; only the words where `to` is empty. */
export function Lead({ to, children }: { to: string; children: ComponentChildren }) {
  return to ? <a href={to}>{children}</a> : <>{children}</>;
}
