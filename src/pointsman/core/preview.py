"""How much of a prompt may be kept, and what has to be taken out of it before?

Prompts are private: nothing is kept unless somebody asks for it, and what is kept has been redacted
before it is part of any record.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from pointsman.core.secret_shapes import SECRET_SHAPE

MOST_CHARS = 500
READ_CHARS = 2_000
"""So much of a prompt is searched, so that a secret which begins in the part that is kept and ends
behind it is seen whole."""

MASK = "***"

_UNSHOWABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class Previews:
    """Makes previews of at most `chars` characters of a prompt, in 1 to `MOST_CHARS`.

    What looks like a key is masked, `known` secrets wherever they stand, and all that one of the
    regular `expressions` matches. They are applied one by one to the same text, the beginning of
    the prompt, in which white space of any kind and length is one space. A match that reaches
    beyond what is kept is masked as a whole, and ends the preview.

    Raises `re.error` for what is no expression, `ValueError` for a length out of range.
    """

    __slots__ = ("_patterns", "chars")

    def __init__(
        self, chars: int, expressions: Iterable[str] = (), known: Iterable[str] = ()
    ) -> None:
        if not 1 <= chars <= MOST_CHARS:
            raise ValueError(f"a preview has 1 to {MOST_CHARS} characters")
        self.chars = chars
        texts = [*(re.escape(" ".join(each.split())) for each in known if each), *expressions]
        self._patterns = (SECRET_SHAPE, *map(re.compile, texts))

    def of(self, prompt: str) -> str | None:
        """The preview of a prompt; None for one without words."""
        text = _UNSHOWABLE.sub("?", " ".join(prompt[:READ_CHARS].split()))
        return self._masked(text) or None

    def _masked(self, text: str) -> str:
        kept: list[str] = []
        at = 0
        for start, end in self._secret_places(text):
            if start >= self.chars:
                break
            kept += (text[at:start], MASK)
            at = end
        kept.append(text[at : max(at, self.chars)])
        return "".join(kept)[: self.chars]

    def _secret_places(self, text: str) -> list[_Place]:
        """Where something is to be masked, in order, no two of them touching."""
        found = sorted(
            _Place(match.start(), match.end())
            for pattern in self._patterns
            for match in pattern.finditer(text)
            if match.end() > match.start()
        )
        places: list[_Place] = []
        for place in found:
            if places and place.start <= places[-1].end:
                places[-1] = _Place(places[-1].start, max(place.end, places[-1].end))
            else:
                places.append(place)
        return places


class _Place(NamedTuple):
    start: int
    end: int
