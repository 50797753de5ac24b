/** Where are we, and what is shown there? All of it stands in the URL, so that it can be shared. */

import { computed, signal } from "@preact/signals";

export const PAGES = [
  "overview",
  "agents",
  "models",
  "decisions",
  "alerts",
  "analytics",
  "settings",
] as const;
export type Page = (typeof PAGES)[number];

export interface Place {
  page: Page;
  /** What of the page is looked at: a decision's id, a model's; empty for the list. */
  id: string;
  query: Readonly<Record<string, string>>;
}

export const RANGES = ["5m", "1h", "24h", "7d", "custom"] as const;
export type Range = (typeof RANGES)[number];
export const CADENCES = [1, 5, 30] as const;

/** The filters that stay when one goes from page to page. */
const SHARED = [
  ...["range", "start", "end", "agent", "kind", "model", "provider"],
  ...["every", "paused"],
];

export function parsedPlace(hash: string): Place {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const slash = path.indexOf("/");
  const name = slash < 0 ? path : path.slice(0, slash);
  const page = PAGES.find((each) => each === name) ?? "overview";
  const id = slash < 0 ? "" : decoded(path.slice(slash + 1));
  return { page, id, query: Object.fromEntries(new URLSearchParams(query)) };
}

export function hashOf(place: Place): string {
  const given = Object.entries(place.query).filter(([, value]) => value !== "");
  const query = new URLSearchParams(given.sort(([a], [b]) => a.localeCompare(b))).toString();
  const id = place.id ? `/${encodeURIComponent(place.id)}` : "";
  return `#/${place.page}${id}${query ? `?${query}` : ""}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export const place = signal<Place>(parsedPlace("location" in globalThis ? location.hash : ""));

/** A range of one's own needs two ends; without both it is the usual one. */
export const range = computed<Range>(() => {
  const { range: name, start, end } = place.value.query;
  const found = RANGES.find((each) => each === name) ?? "5m";
  return found === "custom" && !(isInstant(start) && isInstant(end)) ? "5m" : found;
});
const LEAST_MS = 5 * 60_000;
const LONGEST_MS = 400 * 86_400_000;
/** Ends that the server would refuse, as they are while somebody writes them. */
export const endsWrong = computed(() => {
  const { start = "", end = "" } = place.value.query;
  const length = Date.parse(end) - Date.parse(start);
  return range.value === "custom" && !(length >= LEAST_MS && length <= LONGEST_MS);
});
const isInstant = (text: string | undefined) => !Number.isNaN(Date.parse(text ?? ""));

/** The range as the server is asked for it. */
export const stretch = computed<Record<string, string>>(() => {
  if (range.value !== "custom") return { range: range.value };
  const { start = "", end = "" } = place.value.query;
  // What was right goes on until it is right again.
  if (!endsWrong.value) ends = { range: "custom", start, end };
  return ends;
});
let ends: Record<string, string> = { range: "5m" };

/** Ranges of which every attempt is at hand; longer ones are read from sums. */
export const atHand = computed(() => range.value === "5m" || range.value === "1h");
/** The longest of these that the range holds. */
export const recent = computed(() => (range.value === "5m" ? "5m" : "1h"));
/** What is kept for long is kept by agent or by model: where both are asked for, agents count. */
export const halfKept = computed(() => {
  const { agent, kind, model, provider } = place.value.query;
  return !atHand.value && !!(agent ?? kind) && !!(model ?? provider);
});
export const cadence = computed<number>(
  () => CADENCES.find((each) => String(each) === place.value.query.every) ?? 5,
);
/** Whose attempts are meant, as the server is asked for them; on the page of one, that one's. */
export const narrowed = computed(() => {
  const { page, id } = place.value;
  if (id && page === "agents") return { agent_id: id };
  if (id && page === "models") return { model_id: id };
  const { agent = "", kind = "", model = "", provider = "" } = place.value.query;
  const side = halfKept.value ? {} : { model_id: model, provider };
  return given({ agent_id: agent, kind, ...side });
});
/** What is asked for, without what is not. */
export function given(asked: Record<string, string | undefined>): Record<string, string> {
  const some = (each: [string, string | undefined]): each is [string, string] => Boolean(each[1]);
  return Object.fromEntries(Object.entries(asked).filter(some));
}
export const paused = computed(() => place.value.query.paused === "1");

/** The address of a page: filters that all pages share are kept, others only where they are given. */
export function linkTo(page: Page, id = "", more: Record<string, string> = {}): string {
  const kept = Object.fromEntries(
    Object.entries(place.value.query).filter(([name]) => SHARED.includes(name)),
  );
  return hashOf({ page, id, query: { ...kept, ...more } });
}

/** Go there, as a step that the browser's back button undoes. */
export function go(hash: string): void {
  if (location.hash === hash) return;
  location.hash = hash;
}

/** The address of the decisions of the range that is shown here. */
export function decisionsHere(more: Record<string, string> = {}, length: Range = range.value) {
  return linkTo("decisions", "", { range: length, ...more });
}

/** The address of something on the page that is shown, or of its list: filters of its own stay. */
export function linkHere(id: string): string {
  return hashOf({ ...place.value, id });
}

/** Change what is shown here; an empty value takes a filter away. It is no step of its own. */
export function refine(more: Record<string, string>): void {
  const query = { ...place.value.query, ...more };
  const hash = hashOf({ ...place.value, query });
  history.replaceState(null, "", hash);
  place.value = parsedPlace(hash);
}

const DAY_MS = 86_400_000;

/** A range of one's own begins as the last day. */
export function chooseRange(name: string): void {
  const now = Date.now();
  const ends = { start: new Date(now - DAY_MS).toISOString(), end: new Date(now).toISOString() };
  const own = name === "custom" ? ends : { start: "", end: "" };
  refine({ range: name, ...own, since: "", until: "", zoom: "" });
}

/** The part of the charts that is looked at, in seconds since 1970; null for all. */
export const zoom = computed<readonly [number, number] | null>(() => {
  const [from = Number.NaN, to = Number.NaN] = (place.value.query.zoom ?? "")
    .split("~")
    .map(Number);
  return to > from ? [from, to] : null;
});

export function zoomTo(from: number, to: number): void {
  refine({ zoom: `${Math.round(from)}~${Math.round(to)}` });
}

export function followAddress(): void {
  addEventListener("hashchange", () => {
    place.value = parsedPlace(location.hash);
  });
}
