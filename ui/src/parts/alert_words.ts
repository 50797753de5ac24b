/** How is an alert told: how bad it is, what was measured, and what would silence it? */

import type { AlertBody, EvidenceBody, MatcherBody } from "../api/schema";
import { count, dollars, duration, percent } from "./format";
import type { Tone } from "./panel";

const TONES: Record<string, Tone> = {
  CRITICAL: "bad",
  ERROR: "bad",
  WARNING: "warn",
  INFO: "info",
};

export function toneOfSeverity(severity: string): Tone {
  return TONES[severity] ?? "plain";
}

const SHOWN: Record<string, (value: number) => string> = {
  ms: duration,
  usd: dollars,
  ratio: percent,
};

/** A value of an evidence in its unit: ms, usd, ratio, or none for a count. */
export function measured(value: number, unit: string): string {
  return (SHOWN[unit] ?? count)(value);
}

/** What was measured, and what it was held against. */
export function againstLimit(evidence: EvidenceBody): string {
  const { value, threshold, unit } = evidence;
  return `${measured(value, unit)} / ${measured(threshold, unit)}`;
}

/** The open ones first, then those that wait to be; among them the gravest, then the newest. */
export function byUrgency(alerts: readonly AlertBody[]): AlertBody[] {
  const rank = (alert: AlertBody) =>
    GRAVITY.indexOf(alert.severity) + (alert.state === "pending" ? GRAVITY.length : 0);
  return [...alerts].sort(
    (a, b) => rank(a) - rank(b) || Date.parse(b.starts_at) - Date.parse(a.starts_at),
  );
}

export const GRAVITY = ["CRITICAL", "ERROR", "WARNING", "INFO"];

/** Conditions that this alert meets, narrowest by default: a severity changes, so it is left out. */
export function matchersOf(alert: AlertBody): MatcherBody[] {
  const labels: Record<string, string> = { alertname: alert.rule, ...alert.labels };
  return Object.entries(labels)
    .filter(([name]) => name !== "severity")
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([name, value]) => ({ name, operator: "=", value }));
}

export function written(matcher: MatcherBody): string {
  return `${matcher.name}${matcher.operator}${JSON.stringify(matcher.value)}`;
}
