/** How is a nested document read without losing one's way, and where does each value come from? */

import type { OriginBody } from "../api/schema";
import { t } from "../i18n";
import { spelled, type Step } from "../parts/paths";
import { Tag } from "../parts/panel";

type Value = unknown;
type Origins = Readonly<Record<string, OriginBody>>;

interface TreeProps {
  value: Value;
  /** Of the values that are no defaults, by their paths. */
  origins: Origins;
  path?: readonly Step[];
}

export function Tree({ value, origins, path = [] }: TreeProps) {
  const entries = entriesOf(value);
  if (!entries) return <bdi class="leaf">{shown(value)}</bdi>;
  if (!entries.length) return <span class="quiet">{Array.isArray(value) ? "[]" : "{}"}</span>;
  return (
    <ul class="tree" dir="ltr">
      {entries.map(([name, below]) => {
        const here = [...path, Array.isArray(value) ? Number(name) : name];
        return (
          <li key={name}>
            {isSimple(below) ? (
              <>
                <span class="tree-name">{name}</span>{" "}
                <Tree value={below} origins={origins} path={here} />{" "}
                <Origin of={origins[spelled(here)]} />
              </>
            ) : (
              <details open={!path.length && (entriesOf(below)?.length ?? 0) <= 12}>
                <summary>
                  <span class="tree-name">{name}</span>{" "}
                  <span class="quiet">({entriesOf(below)?.length})</span>
                </summary>
                <Tree value={below} origins={origins} path={here} />
              </details>
            )}
          </li>
        );
      })}
    </ul>
  );
}

/** Nothing beside a default: most values are. */
function Origin({ of }: { of: OriginBody | undefined }) {
  if (!of) return <span class="quiet origin">{t("origin.default")}</span>;
  const line = of.line === null ? "" : t("origin.line", { line: of.line });
  if (of.origin === "environment") {
    return (
      <Tag tone="info">
        {t("origin.environment", { names: of.variables.join(", ") })} {line}
      </Tag>
    );
  }
  if (of.origin === "api") return <Tag tone="warn">{t("origin.api")}</Tag>;
  if (of.origin === "command_line") return <Tag tone="warn">{t("origin.command_line")}</Tag>;
  if (of.origin === "built_in") return <Tag tone="plain">{t("origin.built_in")}</Tag>;
  return <Tag tone="plain">{line || t("origin.file")}</Tag>;
}

export function OriginLegend({ source }: { source: string }) {
  return (
    <p class="quiet">
      {t("origin.words")} <code dir="ltr">{source}</code>
    </p>
  );
}

function entriesOf(value: Value): [string, Value][] | null {
  if (value === null || typeof value !== "object") return null;
  return Object.entries(value);
}

const isSimple = (value: Value) => !entriesOf(value)?.length;

function shown(value: Value): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
