/** In which theme and language is the dashboard shown? The browser remembers what was chosen. */

import { effect, signal } from "@preact/signals";
import { setLanguage } from "@ui5/webcomponents-base/dist/config/Language.js";
import { setTheme } from "@ui5/webcomponents-base/dist/config/Theme.js";
import applyDirection from "@ui5/webcomponents-base/dist/locale/applyDirection.js";
import { type Language, language, preferredLanguage, speak } from "../i18n";

export const THEMES = ["sap_horizon", "sap_horizon_dark", "sap_horizon_hcb", "sap_horizon_hcw"];
const DARK = new Set(["sap_horizon_dark", "sap_horizon_hcb"]);

function remembered(key: string, allowed: readonly string[], otherwise: string): string {
  try {
    const found = localStorage.getItem(key);
    return found && allowed.includes(found) ? found : otherwise;
  } catch {
    return otherwise; // storage may be forbidden; the choice then lasts as long as the page
  }
}

function remember(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // See above.
  }
}

function preferredTheme(): string {
  if (matchMedia("(forced-colors: active)").matches) return "sap_horizon_hcb";
  return matchMedia("(prefers-color-scheme: dark)").matches ? "sap_horizon_dark" : "sap_horizon";
}

export const theme = signal(remembered("pointsman.theme", THEMES, preferredTheme()));
/** Rises once a theme is in force: what is drawn on a canvas has to be drawn again. */
export const painted = signal(0);

const LONGEST_WAIT_MS = 30_000;

/** The first theme is read while the page is up already, and `setTheme` does not wait for it. */
async function inForce(): Promise<void> {
  const root = getComputedStyle(document.documentElement);
  const until = performance.now() + LONGEST_WAIT_MS;
  while (!root.getPropertyValue("--sapFontFamily") && performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Show the theme and the language that were chosen, now and whenever they change. */
export async function applyLooks(): Promise<void> {
  const spoken = remembered("pointsman.language", ["en", "ar"], preferredLanguage()) as Language;
  await Promise.all([speak(spoken).catch(() => undefined), setTheme(theme.peek())]);
  effect(() => {
    const chosen = theme.value;
    remember("pointsman.theme", chosen);
    document.documentElement.style.colorScheme = DARK.has(chosen) ? "dark" : "light";
    document.documentElement.dataset.theme = chosen;
    void setTheme(chosen)
      .then(inForce)
      .then(() => {
        painted.value += 1;
      });
  });
  effect(() => {
    const chosen = language.value;
    remember("pointsman.language", chosen);
    document.documentElement.lang = chosen;
    document.documentElement.dir = chosen === "ar" ? "rtl" : "ltr";
    void setLanguage(chosen).then(() => applyDirection());
  });
}
