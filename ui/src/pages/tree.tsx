/** How is a nested document read without losing one's way? */

type Value = unknown;

export function Tree({ value, depth = 0 }: { value: Value; depth?: number }) {
  const entries = entriesOf(value);
  if (!entries) return <bdi class="leaf">{shown(value)}</bdi>;
  if (!entries.length) return <span class="quiet">{Array.isArray(value) ? "[]" : "{}"}</span>;
  return (
    <ul class="tree" dir="ltr">
      {entries.map(([name, below]) => (
        <li key={name}>
          {isSimple(below) ? (
            <>
              <span class="tree-name">{name}</span> <Tree value={below} />
            </>
          ) : (
            <details open={depth < 1 && (entriesOf(below)?.length ?? 0) <= 12}>
              <summary>
                <span class="tree-name">{name}</span>{" "}
                <span class="quiet">({entriesOf(below)?.length})</span>
              </summary>
              <Tree value={below} depth={depth + 1} />
            </details>
          )}
        </li>
      ))}
    </ul>
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
