"""How long is a call to each model likely to wait, compared with the others?

The latency of late, times the calls that are there already and this one. Latency is Finagle's
peak-EWMA (twitter/finagle, `PeakEwma.scala`): a slower answer than expected counts at once and in
full, a quicker one by how long ago the last was. So a model that slows down is left alone with the
next request, and trusted again by degrees.
"""

from __future__ import annotations

from collections.abc import Sequence

HALF_LIFE_S = 10.0
"""After so long without an answer, the next one counts as much as all before."""

IDLE_HALF_LIFE_S = 60.0
"""What was seen so long ago counts half: a model that nobody asks is worth asking again."""

GUESS_S = 1.0
"""What a call takes of a model that has not answered yet."""

LEAST_S = 0.001
"""What answers at once takes that long all the same, or any number of calls would be no load."""

_MOST_DOUBLINGS = 256.0


class Latencies:
    """The latency of late of each model, as multiples of a unit that grows with time.

    While nobody answers all latencies fade alike. So it is the unit that grows, and reading them
    takes no powers ("forward decay", Cormode and others, 2009). Only their ratios mean anything.
    """

    __slots__ = ("_landmark_s", "_seen", "unit")

    def __init__(self) -> None:
        self._seen: dict[str, tuple[float, float]] = {}
        self._landmark_s = 0.0
        self.unit = 1.0

    def answered(self, model_id: str, latency_s: float, now_s: float) -> None:
        """`model_id` has just answered, after so long."""
        self._grow(now_s)
        latency = max(latency_s, LEAST_S) * self.unit
        before, at_s = self._seen.get(model_id, (0.0, now_s))
        if latency < before:
            weight = 2.0 ** ((at_s - now_s) / HALF_LIFE_S)
            latency = before * weight + latency * (1.0 - weight)
        self._seen[model_id] = (latency, now_s)

    def waited(self, model_id: str, waited_s: float, now_s: float) -> None:
        """So long was waited for `model_id` in vain: it takes that long at least."""
        self._grow(now_s)
        before = self._seen.get(model_id, (GUESS_S * self.unit, now_s))[0]
        if waited_s * self.unit > before:
            self._seen[model_id] = (waited_s * self.unit, now_s)

    def waits(self, model_ids: Sequence[str], in_flight: Sequence[int]) -> list[float]:
        """The expected waits of models that carry so many calls each.

        Who carries nothing and has never answered is taken as ready, so that it is soon known.
        """
        seen = self._seen
        try:
            return [seen[each][0] * (calls + 1) for each, calls in zip(model_ids, in_flight)]  # noqa: B905 - to ask for the same length takes as long as two of them
        except KeyError:  # Seldom: soon all have answered.
            guess = GUESS_S * self.unit
            return [
                seen[each][0] * (calls + 1) if each in seen else guess * calls
                for each, calls in zip(model_ids, in_flight, strict=True)
            ]

    def latency_s(self, model_id: str, now_s: float) -> float | None:
        """The latency of late in seconds, None when it has never answered."""
        self._grow(now_s)
        seen = self._seen.get(model_id)
        return None if seen is None else seen[0] / self.unit

    def keep_only(self, model_ids: frozenset[str]) -> None:
        """Forget the other models."""
        self._seen = {key: seen for key, seen in self._seen.items() if key in model_ids}

    def _grow(self, now_s: float) -> None:
        doublings = (now_s - self._landmark_s) / IDLE_HALF_LIFE_S
        if doublings > _MOST_DOUBLINGS:
            shrink = 2.0**-doublings if doublings < 1_000.0 else 0.0
            self._seen = {
                key: (latency * shrink, at_s) for key, (latency, at_s) in self._seen.items()
            }
            self._landmark_s, doublings = now_s, 0.0
        self.unit = 2.0**doublings
