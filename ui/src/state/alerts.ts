/** Which alerts are open? Told by the one stream, for the top bar, the overview and their own page. */

import { computed, signal } from "@preact/signals";
import { call } from "../api/client";
import type { AlertsBody } from "../api/schema";

export const openAlerts = signal<AlertsBody | null>(null);
export const alertsError = signal<unknown>(null);

/** How many are open; those that wait to be are not among them. */
export const openCount = computed(() =>
  Object.values(openAlerts.value?.by_severity ?? {}).reduce((sum, each) => sum + each, 0),
);

/** Ask without waiting for the stream: somebody has just done something about one. */
export async function askForAlerts(): Promise<void> {
  try {
    openAlerts.value = await call<AlertsBody>("/alerts/active");
    alertsError.value = null;
  } catch (error) {
    alertsError.value = error;
  }
}
