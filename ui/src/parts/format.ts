/** How is a measured value written? Digits stay Latin in every language, as in logs and commands. */

const NOTHING = "–";

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const SIZES = [
  [1e12, "T"],
  [1e9, "B"],
  [1e6, "M"],
  [1e3, "K"],
] as const;

/** Three or four digits and a letter. The browser's own takes 20 ms to be made, on every load. */
function compact(value: number): string {
  const found = SIZES.find(([size]) => Math.abs(value) >= 0.99995 * size);
  const [size, letter] = found ?? [1, ""];
  return `${(value / size).toFixed(1).replace(/\.0$/, "")}${letter}`;
}

type Value = number | null | undefined;

const missing = (value: Value): value is null | undefined =>
  value === null || value === undefined || Number.isNaN(value);

/** Milliseconds, as ms below one second and as s from there on. */
export function duration(ms: Value): string {
  if (missing(ms)) return NOTHING;
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 1_000) return `${whole.format(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 1)} s`;
  if (ms < 3_600_000) return `${(ms / 60_000).toFixed(1)} min`;
  return `${(ms / 3_600_000).toFixed(1)} h`;
}

/** A share in [0, 1]; what is not quite everything is never written as everything. */
export function percent(share: Value): string {
  if (missing(share)) return NOTHING;
  const value = 100 * share;
  if (value > 99.9 && value < 100) return "99.9 %";
  return `${value.toFixed(value < 10 || (value > 90 && value < 100) ? 1 : 0)} %`;
}

/** US dollars; small amounts keep two digits that mean something. */
export function dollars(usd: Value): string {
  if (missing(usd)) return NOTHING;
  if (usd === 0) return "$0";
  const size = Math.abs(usd);
  if (size >= 1_000) return `$${compact(usd)}`;
  if (size >= 0.095) return `$${usd.toFixed(2)}`;
  return `$${Number(usd.toPrecision(2)).toString().includes("e") ? usd.toExponential(1) : Number(usd.toPrecision(2))}`;
}

export function count(value: Value): string {
  if (missing(value)) return NOTHING;
  return Math.abs(value) < 10_000 ? whole.format(value) : compact(value);
}

/** A number per second. */
export function rate(value: Value): string {
  if (missing(value)) return NOTHING;
  if (value >= 100) return `${count(value)}/s`;
  if (value > 0 && value < 0.01) return `${(3_600 * value).toFixed(value < 0.001 ? 2 : 1)}/h`;
  return `${value.toFixed(value >= 10 ? 1 : 2)}/s`;
}

/** A score of 0 to 100. */
export function score(value: Value): string {
  return missing(value) ? NOTHING : value.toFixed(1);
}

/** By how much a value has changed, as a share of what it was. */
export function change(now: Value, before: Value): string | null {
  if (missing(now) || missing(before) || before === 0) return null;
  const share = (100 * (now - before)) / Math.abs(before);
  if (Math.abs(share) < 0.05) return null;
  const rounded = Math.abs(share) < 10 ? share.toFixed(1) : share.toFixed(0);
  return `${share >= 0 ? "+" : "−"}${rounded.replace("-", "")} %`;
}

const two = (value: number) => String(value).padStart(2, "0");
const clock = (at: Date) => `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
const day = (at: Date) => `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;

/** The time of day; with its date where that is not today's. */
export function instant(at: string | number | null | undefined, now = new Date()): string {
  if (at === null || at === undefined) return NOTHING;
  const when = new Date(at);
  const today = when.toDateString() === now.toDateString();
  return today ? clock(when) : `${day(when)} ${clock(when)}`;
}

const DAY_S = 86_400;

/** An instant on an axis that is `wide` seconds wide: no finer than it can be read there. */
export function tick(at_s: number, wide_s: number): string {
  const when = new Date(1_000 * at_s);
  if (wide_s <= 1_200) return clock(when);
  const time = clock(when).slice(0, 5);
  if (wide_s <= 1.5 * DAY_S) return time;
  return time === "00:00" || wide_s > 14 * DAY_S ? day(when).slice(5) : time;
}

export function tokens(value: Value): string {
  return missing(value) ? NOTHING : compact(value);
}
