/** Which alerts are open? Asked once for the top bar, the overview and the alerts' own page. */

import { computed, effect, signal } from "@preact/signals";
import { call } from "../api/client";
import type { AlertsBody } from "../api/schema";
import { connection } from "./live";
import { cadence, paused } from "./place";
import { session } from "./session";

export const openAlerts = signal<AlertsBody | null>(null);
export const alertsError = signal<unknown>(null);

/** How many are open; those that wait to be are not among them. */
export const openCount = computed(() =>
  Object.values(openAlerts.value?.by_severity ?? {}).reduce((sum, each) => sum + each, 0),
);

export async function askForAlerts(): Promise<void> {
  try {
    openAlerts.value = await call<AlertsBody>("/alerts/active");
    alertsError.value = null;
  } catch (error) {
    alertsError.value = error;
  }
}

const allowed = computed(() => session.value?.signed_in ?? false);

/** The first figures come first: until then the gateway has enough to do for this page. */
const first = computed(() => allowed.value && connection.value !== "connecting");

/** Ask as long as somebody looks: nothing is asked while the page is paused or hidden. */
export function watchAlerts(): void {
  effect(() => {
    if (first.value) void askForAlerts();
  });
  effect(() => {
    if (!allowed.value) openAlerts.value = null;
  });
  effect(() => {
    const timer = setInterval(() => {
      if (allowed.peek() && !paused.peek() && !document.hidden) void askForAlerts();
    }, cadence.value * 1_000);
    return () => clearInterval(timer);
  });
}
