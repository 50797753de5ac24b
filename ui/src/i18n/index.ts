/** What is written on the page, in the language of who reads it? */

import { signal } from "@preact/signals";
import { ar } from "./ar";
import { en } from "./en";

export type Language = "en" | "ar";
export type Key = keyof typeof en;

const TEXTS: Record<Language, Record<Key, string>> = { en, ar };

function preferred(): Language {
  return navigator.language.startsWith("ar") ? "ar" : "en";
}

export const language = signal<Language>(preferred());

/** The text, with each `{name}` in it replaced by what is given under that name. */
export function t(key: Key, given: Record<string, string | number> = {}): string {
  const text = TEXTS[language.value][key];
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(given[name] ?? whole));
}

/** A text whose key is put together, or the words themselves where nobody has written one. */
export function tMaybe(key: string, otherwise: string): string {
  return key in en ? t(key as Key) : otherwise;
}
