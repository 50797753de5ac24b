/** Which agents and models are there, and what are they called? */

import { computed } from "@preact/signals";
import type { AgentNameBody, LiveModelBody } from "../api/schema";
import { overview } from "./live";

export const agents = computed<readonly AgentNameBody[]>(() => overview.value?.roster ?? []);
export const models = computed<readonly LiveModelBody[]>(() => overview.value?.live ?? []);

/** What a model is called where people read it. */
export function modelName(id: string | null | undefined): string {
  if (!id) return "–";
  return models.value.find((model) => model.model_id === id)?.name ?? id;
}

export function agentName(id: string): string {
  return agents.value.find((agent) => agent.agent_id === id)?.name ?? id;
}
