/** Is the page that is open still the one that the server has? */

import { signal } from "@preact/signals";

/** The server has another page by now: parts of this one may be gone, and answers may differ. */
export const outdated = signal(false);

/** Look whether the page, as it would be loaded now, begins with the script that runs here. */
export async function lookForNews(): Promise<void> {
  const mine = document.querySelector("script[type=module][src]")?.getAttribute("src");
  if (!mine || outdated.peek()) return;
  try {
    const answer = await fetch("/", { cache: "no-cache", credentials: "same-origin" });
    if (answer.ok && isAnother(await answer.text(), mine)) outdated.value = true;
  } catch {
    // It cannot be reached, of which the connection tells.
  }
}

/** A page that names a script, and not ours. One that names none is no dashboard. */
export function isAnother(page: string, mine: string): boolean {
  return /<script type="module"[^>]* src="/.test(page) && !page.includes(`"${mine}"`);
}

export function loadAgain(): void {
  location.reload();
}
