"""How much of a prompt has a persona read before?"""

from __future__ import annotations

from collections import OrderedDict

from pointsman.adapters.providers.simulated.asking import CHARS_PER_TOKEN, Asked

KEPT_S = 300.0
LEAST_TOKENS = 128
STEP_TOKENS = 32


class PromptCache:
    """Remembers checksums of the beginnings of prompts, at most `size` of them, for `KEPT_S`."""

    def __init__(self, size: int = 4096) -> None:
        self._size = size
        self._seen: OrderedDict[tuple[str, int, int], float] = OrderedDict()

    def cached_tokens(self, name: str, asked: Asked, now_s: float) -> int:
        """The tokens of this prompt that persona `name` need not read again; then remembers it.

        At least `LEAST_TOKENS` or none, in steps of `STEP_TOKENS`, never the whole prompt.
        """
        known = 0
        for checksum, chars in asked.prefixes:
            key = (name, checksum, chars)
            seen_s = self._seen.get(key)
            if seen_s is not None and now_s - seen_s <= KEPT_S:
                known = chars
            self._seen[key] = now_s
            self._seen.move_to_end(key)
        while len(self._seen) > self._size:
            self._seen.popitem(last=False)
        tokens = min(known // CHARS_PER_TOKEN, asked.prompt_tokens - 1)
        return tokens // STEP_TOKENS * STEP_TOKENS if tokens >= LEAST_TOKENS else 0
