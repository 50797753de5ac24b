/** Which keys lead where? */

import { signal } from "@preact/signals";
import { go, linkTo, type Page, paused, refine } from "./place";

export const GOES: Record<string, Page> = {
  o: "overview",
  a: "agents",
  m: "models",
  d: "decisions",
  l: "alerts",
  n: "analytics",
  s: "settings",
};

export const helpOpen = signal(false);

const SOON_MS = 1_200;
let before = { key: "", at: 0 };

export function followKeys(): void {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isWriting(event)) return;
    const after = before.key === "g" && event.timeStamp - before.at < SOON_MS;
    before = { key: event.key, at: event.timeStamp };
    const page = after ? GOES[event.key] : undefined;
    if (page) {
      event.preventDefault();
      go(linkTo(page));
      return;
    }
    const act = ACTS[event.key];
    if (act) {
      event.preventDefault();
      act();
    }
  });
}

const ACTS: Record<string, () => void> = {
  "/": () => document.querySelector<HTMLElement>("main [data-search]")?.focus(),
  p: () => refine({ paused: paused.peek() ? "" : "1" }),
  "?": () => {
    helpOpen.value = !helpOpen.value;
  },
};

function isWriting(event: KeyboardEvent): boolean {
  const target = event.composedPath()[0];
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}
