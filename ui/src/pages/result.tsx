/** What came of a decision, in a word? */

import type { DecisionSummary } from "../api/schema";
import { t, tMaybe } from "../i18n";
import { Tag } from "../parts/panel";

export function Result({ of: made }: { of: DecisionSummary }) {
  if (made.successful === null) return <Tag tone="info">{t("result.under_way")}</Tag>;
  if (!made.successful) {
    const code = made.failure ?? "unknown";
    return <Tag tone="bad">{tMaybe(`failure.${code}`, code.replaceAll("_", " "))}</Tag>;
  }
  if (made.is_fallback) return <Tag tone="warn">{t("result.fallback")}</Tag>;
  return <Tag tone="good">{t("result.answered")}</Tag>;
}
