/** How bad is it, in the tones of the page? */

import type { Tone } from "./panel";

export function toneOfSuccess(share: number | null): Tone {
  if (share === null) return "plain";
  if (share < 0.9) return "bad";
  return share < 0.99 ? "warn" : "good";
}

const CIRCUITS: Record<string, Tone> = { closed: "good", open: "bad", probing: "warn" };

export function toneOfCircuit(circuit: string): Tone {
  return CIRCUITS[circuit] ?? "plain";
}

/** How far something is from doing well: what fails counts most, then what is slow. */
export function badness(row: { success_rate: number | null; p95_ms: number | null }): number {
  const failing = 1 - (row.success_rate ?? 1);
  return failing * 1_000_000 + (row.p95_ms ?? 0);
}
