/** How does the fleet do, right now? One stream of snapshots for the whole page. */

import { computed, effect, signal } from "@preact/signals";
import { call, url } from "../api/client";
import type { AgentNameBody, AlertsBody, LiveModelBody, OverviewBody } from "../api/schema";
import { alertsError, openAlerts } from "./alerts";
import { merged } from "./course";
import { atHand, cadence, narrowed, paused, stretch } from "./place";
import { askWhoIsHere, session } from "./session";
import { lookForNews } from "./version";

export type Connection = "connecting" | "live" | "paused" | "stale" | "reconnecting";

export const overview = signal<OverviewBody | null>(null);
/** Who is there, whatever is looked at: this stays while something else is asked for. */
export const roster = signal<readonly AgentNameBody[]>([]);
export const liveModels = signal<readonly LiveModelBody[]>([]);
/** Of which configuration the roster is. */
let rosterOf = "";
/** Why nothing was ever heard; an event source does not say. */
export const overviewError = signal<unknown>(null);
/** When the last snapshot has come, in the browser's milliseconds. */
export const heardAt = signal<number | null>(null);
export const connection = signal<Connection>("connecting");

/** What is asked for; another stream is opened when it changes. */
const wish = computed(() => ({ ...stretch.value, ...narrowed.value }));
const address = computed(() => url("/events", { ...wish.value, every: every.value, alerts: true }));

/** In seconds. What is kept for long changes once in a minute. */
export const LEAST_LONG_S = 30;
export const every = computed(() =>
  atHand.value ? cadence.value : Math.max(LEAST_LONG_S, cadence.value),
);

const allowed = computed(() => session.value?.signed_in ?? false);

const AGAIN_MS = 1_000;
const PATIENCE_MS = 12_000;

let source: EventSource | null = null;
let lost = false;
let waiting: OverviewBody | null = null;
let asleep: ReturnType<typeof setTimeout> | null = null;

/** Listen as long as the page is open; nothing is done while it is paused or hidden. */
export function listen(): void {
  let before = "";
  effect(() => {
    if (address.value !== before) overview.value = null;
    before = address.value;
    hangUp();
    if (!allowed.value) openAlerts.value = null;
    else if (!paused.value) dial(before);
    else if (overview.peek() && openAlerts.peek()) connection.value = "paused";
    else dial(before, "once");
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    show();
    void lookForNews();
  });
  setInterval(watch, 1_000);
}

/** Ask without a stream: for one look, or to learn why there is none. */
export async function askOnce(): Promise<boolean> {
  try {
    const news = await call<OverviewBody>("/overview", { query: wish.peek() });
    remember(news);
    overview.value = news;
    heardAt.value = Date.now();
    overviewError.value = null;
    return true;
  } catch (error) {
    overviewError.value = error;
    if (!openAlerts.peek()) alertsError.value = error;
    return false;
  }
}

function hangUp(): void {
  source?.close();
  source = null;
  waiting = null;
  if (asleep) clearTimeout(asleep);
  asleep = null;
}

/** Who is there, where that is told. */
function remember(news: OverviewBody): void {
  if (news.roster) roster.value = news.roster;
  rosterOf = news.config_version;
  liveModels.value = news.live;
}

/** Listen; while it is paused, until all has been told once. */
function dial(address: string, how: "on" | "once" = "on"): void {
  if (overview.peek() === null) connection.value = "connecting";
  const opened = new EventSource(rosterOf ? `${address}&roster=${rosterOf}` : address);
  source = opened;
  opened.addEventListener("overview", (event) => {
    const news = JSON.parse(String(event.data)) as OverviewBody;
    remember(news);
    waiting = waiting ? merged(waiting, news) : news;
    heardAt.value = Date.now();
    connection.value = "live";
    overviewError.value = null;
    if (!document.hidden) requestAnimationFrame(show);
  });
  opened.addEventListener("alerts", (event) => {
    openAlerts.value = JSON.parse(String(event.data)) as AlertsBody;
    alertsError.value = null;
    if (how === "on") return;
    show();
    hangUp();
    connection.value = "paused";
  });
  opened.onopen = () => {
    // Whoever is there again may be another than before.
    if (lost) void Promise.all([lookForNews(), askWhoIsHere()]);
    lost = false;
  };
  opened.addEventListener("trouble", () => {
    connection.value = "stale";
  });
  opened.onerror = () => {
    connection.value = "reconnecting";
    lost = true;
    if (!overview.peek()) void askOnce();
    if (opened.readyState !== EventSource.CLOSED || source !== opened) return;
    // Refused: the browser does not try again by itself.
    hangUp();
    asleep = setTimeout(() => dial(address, how), AGAIN_MS);
  };
}

/** What has come since the last frame, at once. */
function show(): void {
  if (!waiting) return;
  const before = overview.peek();
  overview.value = before ? merged(before, waiting) : waiting;
  waiting = null;
}

function watch(): void {
  const heard = heardAt.peek();
  const silent = heard !== null && Date.now() - heard > every.peek() * 1_000 + PATIENCE_MS;
  if (silent && connection.peek() === "live") connection.value = "stale";
}
