/** How does the dashboard ask the server, and what does it know when that fails? */

import type * as Schema from "./schema";

export type Agent = Schema.AgentBody;
export type Candidate = Schema.CandidateBody;
export type Decision = Schema.DecisionBody;
export type DecisionSummary = Schema.DecisionSummary;
export type Measured = Schema.MeasuredModelBody;
export type MeasuredAgent = Schema.MeasuredAgentBody;
export type Metrics = Schema.MetricsBody;
export type Model = Schema.ModelBody;
export type Stats = Schema.StatsBody;
export type Schemas = typeof Schema;

export const BASE = "/api/v1/model-router";

/** A request that got no answer, or one that says what is wrong. */
export class ApiError extends Error {
  constructor(
    message: string,
    /** 0 when the server could not be reached. */
    readonly status: number,
    readonly code: string | null = null,
    readonly requestId: string | null = null,
  ) {
    super(message);
  }

  get unauthenticated(): boolean {
    return this.status === 401;
  }
}

/** Called whenever the server says that nobody is signed in. */
export const onSignedOut: { call: () => void } = { call: () => undefined };

export interface Wish {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  query?: Record<string, string | number | boolean | null | undefined>;
  body?: unknown;
  /** A body that is JSON already, or that somebody takes for JSON. */
  text?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** The answer of one call of the control API; `path` begins with a slash. Throws `ApiError`. */
export async function call<T>(path: string, wish: Wish = {}): Promise<T> {
  const response = await sent(path, wish);
  const requestId = response.headers.get("x-request-id");
  const text = await response.text();
  const document = parsed(text);
  if (response.ok) return document as T;
  const error = (document as { error?: { message?: string; code?: string } } | null)?.error;
  if (response.status === 401) onSignedOut.call();
  throw new ApiError(
    error?.message ?? `${response.status} ${response.statusText}`,
    response.status,
    error?.code ?? null,
    requestId,
  );
}

export function url(path: string, query: Wish["query"] = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined);
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return `${BASE}${path}${text ? `?${text}` : ""}`;
}

async function sent(path: string, wish: Wish): Promise<Response> {
  const headers: Record<string, string> = { accept: "application/json", ...wish.headers };
  const body = wish.text ?? (wish.body === undefined ? undefined : JSON.stringify(wish.body));
  if (body !== undefined) headers["content-type"] = "application/json";
  const init: RequestInit = { method: wish.method ?? "GET", headers, credentials: "same-origin" };
  if (body !== undefined) init.body = body;
  if (wish.signal) init.signal = wish.signal;
  try {
    return await fetch(url(path, wish.query), init);
  } catch (cause) {
    if (wish.signal?.aborted) throw cause;
    throw new ApiError("The gateway cannot be reached.", 0);
  }
}

function parsed(text: string): unknown {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}
