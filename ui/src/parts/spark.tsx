/** In which direction does a value go? A line as small as a word. */

export function Spark({ values }: { values: readonly (number | null)[] }) {
  const known = values.filter((value): value is number => value !== null);
  if (known.length < 2) return <span class="spark" />;
  const most = Math.max(...known);
  const least = Math.min(0, ...known);
  const span = most - least || 1;
  const step = 100 / (values.length - 1);
  let begun = false;
  const path = values.map((value, place) => {
    if (value === null) {
      begun = false;
      return "";
    }
    const verb = begun ? "L" : "M";
    begun = true;
    return `${verb}${(place * step).toFixed(1)},${(27 - (25 * (value - least)) / span).toFixed(1)}`;
  });
  return (
    <svg class="spark" viewBox="0 0 100 28" preserveAspectRatio="none" aria-hidden="true">
      <path d={path.join("")} />
    </svg>
  );
}
