/** How does a snapshot that tells of the last steps continue a course that is known? */

import type { ModelCourseBody, OverviewBody } from "../api/schema";

/** `news` with the older points that `before` has; each step once, as it was said last. */
export function merged(before: OverviewBody, news: OverviewBody): OverviewBody {
  if (before.range !== news.range || !news.points.length) return news;
  const begins = news.points[0]?.at ?? "";
  const ends = news.points[news.points.length - 1]?.at ?? "";
  const oldest = Date.parse(ends) - (news.range_s - news.step_s) * 1_000;
  const kept = before.points
    .map((point, place) => ({ point, place }))
    .filter(({ point }) => point.at < begins && Date.parse(point.at) >= oldest);
  if (!kept.length) return news;
  const places = kept.map(({ place }) => place);
  return {
    ...news,
    points: [...kept.map(({ point }) => point), ...news.points],
    courses: coursesOf(before.courses, news, places),
  };
}

/** A model that is new has done nothing before; one that is gone does nothing now. */
function coursesOf(
  before: readonly ModelCourseBody[],
  news: OverviewBody,
  places: readonly number[],
): ModelCourseBody[] {
  const nothing = news.points.map(() => null);
  const known = new Map(before.map((course) => [course.model_id, course]));
  const told = new Map(news.courses.map((course) => [course.model_id, course]));
  const names = [...told.keys(), ...[...known.keys()].filter((name) => !told.has(name))];
  const joined = names.map((name) => {
    const old = known.get(name);
    const now = told.get(name);
    return {
      model_id: name,
      requests_per_s: [
        ...places.map((place) => old?.requests_per_s[place] ?? null),
        ...(now?.requests_per_s ?? nothing),
      ],
      p95_ms: [...places.map((place) => old?.p95_ms[place] ?? null), ...(now?.p95_ms ?? nothing)],
    };
  });
  return joined.filter((course) =>
    course.requests_per_s.some((value) => value !== null && value > 0),
  );
}
