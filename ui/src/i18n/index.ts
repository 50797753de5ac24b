/** What is written on the page, in the language of who reads it? */

import { signal } from "@preact/signals";
import { en } from "./en";

export type Language = "en" | "ar";
export type Key = keyof typeof en;
type Texts = Record<Key, string>;

/** What is read when it is first wanted; English is there from the beginning. */
const LATER: Record<Exclude<Language, "en">, () => Promise<Texts>> = {
  ar: async () => (await import("./ar")).ar,
};
const TEXTS: Partial<Record<Language, Texts>> = { en };

/** What is spoken now; changed by `speak` alone, since its texts must be there. */
export const language = signal<Language>("en");

export const preferredLanguage = (): Language =>
  navigator.language.startsWith("ar") ? "ar" : "en";

/** Write everything in another language from now on. Rejects when its texts cannot be read. */
export async function speak(chosen: Language): Promise<void> {
  if (chosen !== "en") TEXTS[chosen] ??= await LATER[chosen]();
  language.value = chosen;
}

/** The text, with each `{name}` in it replaced by what is given under that name. */
export function t(key: Key, given: Record<string, string | number> = {}): string {
  const text = (TEXTS[language.value] ?? en)[key];
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(given[name] ?? whole));
}

/** A text whose key is put together, or the words themselves where nobody has written one. */
export function tMaybe(key: string, otherwise: string): string {
  return key in en ? t(key as Key) : otherwise;
}
