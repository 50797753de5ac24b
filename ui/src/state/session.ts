/** Who is looking, and may they change anything? */

import { computed, signal } from "@preact/signals";
import { ApiError, call, onSignedOut } from "../api/client";

/** What the server says of the session; these calls are below the documented API. */
export interface Session {
  /** Without keys everybody on the machine is served, and nobody else. */
  keys_configured: boolean;
  signed_in: boolean;
  name: string | null;
  role: "admin" | "viewer" | null;
  version: string;
}

export const session = signal<Session | null>(null);
export const unreachable = signal<ApiError | null>(null);
export const mayChange = computed(() => session.value?.role === "admin");

onSignedOut.call = () => {
  if (session.value) session.value = { ...session.value, signed_in: false, name: null, role: null };
};

export async function askWhoIsHere(): Promise<void> {
  try {
    session.value = await call<Session>("/session");
    unreachable.value = null;
  } catch (error) {
    unreachable.value = error instanceof ApiError ? error : new ApiError(String(error), 0);
  }
}

/** Throws `ApiError` when the key is not known, or may not look. */
export async function signIn(key: string): Promise<void> {
  const headers = { authorization: `Bearer ${key}` };
  session.value = await call<Session>("/session", { method: "POST", headers });
}

export async function signOut(): Promise<void> {
  session.value = await call<Session>("/session", { method: "DELETE" });
}
