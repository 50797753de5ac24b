"""What does a conversation lose when it moves to another model?

The provider has the beginning of its prompt in a cache, which is cheaper and quicker than to read
it again. How much of it, the last answer said; nothing is taken for cached that nobody reported.
"""

from __future__ import annotations

from pointsman.core.decision import Candidate, Saving, Term
from pointsman.core.fleet import Price, PriceState

CACHE_LIFE_S = 300.0
"""So long after the last answer its prompt is taken to be cached: what most providers promise. Some
keep it for an hour or a day where they are asked to, which `CacheLives` notices."""

LONGEST_CACHE_LIFE_S = 86_400.0
"""Nobody promises more."""

READ_S_PER_TOKEN = 1e-4
"""How long it takes to read a token that is not cached. Anthropic tells of 100,000 tokens in 9.1 s
("Prompt caching with Claude", 2024)."""

TERM = "session"
"""The name of the term that says what staying is worth."""

MOST_TOKENS = 10_000_000
"""More than that is a mistake of whoever counted."""

MOST_MODELS = 1_000
"""So many models' caches are known; beyond that, the one that was known longest is forgotten."""

_TOKENS_PER_MTOK = 1e6
_DIGITS = 3


class CacheLives:
    """How long does the cache of each model last, as far as its answers have shown?

    `CACHE_LIFE_S` until a conversation that paused for longer found its prompt cached, and then as
    long as that pause; not as long as one after which nothing was left.
    """

    def __init__(self) -> None:
        self._lives_s: dict[str, float] = {}

    def life_s(self, model_id: str) -> float:
        """In seconds, between `CACHE_LIFE_S` and `LONGEST_CACHE_LIFE_S`."""
        return self._lives_s.get(model_id, CACHE_LIFE_S)

    def paused(self, model_id: str, pause_s: float, before: int, after: int) -> None:
        """After `pause_s` a conversation that had `before` tokens cached there had `after`.

        More than before: what its own last turn had added was there, too. That others ask with the
        same beginning shows in neither. None where there were some: it had gone.
        """
        life_s = self.life_s(model_id)
        if after > before > 0 and pause_s > life_s:
            self._lives_s[model_id] = min(pause_s, LONGEST_CACHE_LIFE_S)
        elif before > after == 0 and pause_s < life_s:
            self._lives_s[model_id] = max(pause_s, CACHE_LIFE_S)
        if len(self._lives_s) > MOST_MODELS:
            del self._lives_s[next(iter(self._lives_s))]


def about(tokens: int) -> int:
    """`tokens` in [0, 10^7], rounded down to three binary digits: by a fifth at most.

    So that conversations which are about as long are explained in the same words.
    """
    tokens = min(max(0, tokens), MOST_TOKENS)
    dropped = max(0, tokens.bit_length() - _DIGITS)
    return tokens >> dropped << dropped


def saving(price: Price, cached_tokens: int) -> Saving:
    """What is saved when so many tokens of a request are cached; no dollars where unknown."""
    usd = 0.0
    if price.state is PriceState.KNOWN and price.input and price.cached_input:
        full, cached = price.input.at(cached_tokens), price.cached_input.at(cached_tokens)
        usd = max(0.0, float(full - cached) * cached_tokens / _TOKENS_PER_MTOK)
    return Saving(usd, cached_tokens * READ_S_PER_TOKEN)


def staying(candidate: Candidate, worth: float, cached_tokens: int) -> Candidate:
    """The candidate that serves a conversation, with what it is worth to stay there added."""
    words = "has served this conversation"
    words += f"; about {cached_tokens} tokens are cached" if cached_tokens else ""
    term = Term(TERM, worth, words)
    return candidate._replace(score=candidate.score + worth, terms=(*candidate.terms, term))
