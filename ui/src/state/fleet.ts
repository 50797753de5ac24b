/** Which agents and models are there, and what are they called? */

import { computed } from "@preact/signals";
import type { AgentNameBody, LiveModelBody } from "../api/schema";
import { overview } from "./live";

/** The same list as long as the fleet is the same: there may be thousands. */
export const agents = computed<readonly AgentNameBody[]>(() => {
  const { config_version: version = "", roster = [] } = overview.value ?? {};
  if (!overview.value) return [];
  if (version !== known.version || roster.length !== known.roster.length) {
    known = { version, roster };
  }
  return known.roster;
});
let known: { version: string; roster: readonly AgentNameBody[] } = { version: "", roster: [] };

export const models = computed<readonly LiveModelBody[]>(() => overview.value?.live ?? []);

const agentNames = computed(
  () => new Map(agents.value.map((agent) => [agent.agent_id, agent.name])),
);
const modelNames = computed(
  () => new Map(models.value.map((model) => [model.model_id, model.name])),
);

/** What a model is called where people read it. */
export function modelName(id: string | null | undefined): string {
  if (!id) return "–";
  return modelNames.value.get(id) ?? id;
}

export function agentName(id: string): string {
  return agentNames.value.get(id) ?? id;
}
