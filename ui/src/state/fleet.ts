/** Which agents and models are there, and what are they called? */

import { computed } from "@preact/signals";
import type { AgentNameBody, LiveModelBody } from "../api/schema";
import { t } from "../i18n";
import { liveModels, roster } from "./live";

export const agents = computed<readonly AgentNameBody[]>(() => roster.value);
export const models = computed<readonly LiveModelBody[]>(() => liveModels.value);

const agentNames = computed(
  () => new Map(agents.value.map((agent) => [agent.agent_id, agent.name])),
);
const modelNames = computed(
  () => new Map(models.value.map((model) => [model.model_id, model.name])),
);

/** By this id the server tells of all who are too many to be told apart. */
const OTHER = "__other__";

/** Whether it is an agent or a model, and not those beyond: there is no page of them. */
export const isOne = (id: string) => id !== OTHER;

/** What a model is called where people read it. */
export function modelName(id: string | null | undefined): string {
  if (!id) return "–";
  if (!isOne(id)) return t("overview.others");
  return modelNames.value.get(id) ?? id;
}

export function agentName(id: string): string {
  if (!isOne(id)) return t("overview.others");
  return agentNames.value.get(id) ?? id;
}
