/** How does the fleet do, right now? One stream of snapshots for the whole page. */

import { computed, effect, signal } from "@preact/signals";
import { call, url } from "../api/client";
import type { OverviewBody } from "../api/schema";
import { merged } from "./course";
import { atHand, cadence, narrowed, paused, stretch } from "./place";
import { askWhoIsHere, session } from "./session";
import { lookForNews } from "./version";

export type Connection = "connecting" | "live" | "paused" | "stale" | "reconnecting";

export const overview = signal<OverviewBody | null>(null);
/** Why nothing was ever heard; an event source does not say. */
export const overviewError = signal<unknown>(null);
/** When the last snapshot has come, in the browser's milliseconds. */
export const heardAt = signal<number | null>(null);
export const connection = signal<Connection>("connecting");

/** What is asked for; another stream is opened when it changes. */
const wish = computed(() => ({ ...stretch.value, every: every.value, ...narrowed.value }));

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
    const address = url("/events", wish.value);
    if (address !== before) overview.value = null;
    before = address;
    hangUp();
    if (!allowed.value) return;
    if (paused.value) void once();
    else dial(address);
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    show();
    void lookForNews();
  });
  setInterval(watch, 1_000);
}

/** Paused: what is there stays; where nothing is, it is asked for one time. */
async function once(): Promise<void> {
  connection.value = "paused";
  if (!overview.peek() && !(await askOnce())) connection.value = "stale";
}

/** Ask without a stream: for one look, or to learn why there is none. */
export async function askOnce(): Promise<boolean> {
  const query = { ...wish.peek(), every: null };
  try {
    overview.value = await call<OverviewBody>("/overview", { query });
    heardAt.value = Date.now();
    overviewError.value = null;
    return true;
  } catch (error) {
    overviewError.value = error;
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

function dial(address: string): void {
  if (overview.peek() === null) connection.value = "connecting";
  const opened = new EventSource(address);
  source = opened;
  opened.addEventListener("overview", (event) => {
    const news = JSON.parse(String(event.data)) as OverviewBody;
    waiting = waiting ? merged(waiting, news) : news;
    heardAt.value = Date.now();
    connection.value = "live";
    overviewError.value = null;
    if (!document.hidden) requestAnimationFrame(show);
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
    asleep = setTimeout(() => dial(address), AGAIN_MS);
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
