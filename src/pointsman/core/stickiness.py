"""What does a conversation lose when it moves to another model?

The provider has the beginning of its prompt in a cache, which is cheaper and quicker than to read
it again. How much of it, the last answer said; nothing is taken for cached that nobody reported.
"""

from __future__ import annotations

from pointsman.core.decision import Candidate, Saving, Term
from pointsman.core.fleet import Price, PriceState

CACHE_LIFE_S = 300.0
"""So long after the last answer its prompt is taken to be cached: what most providers promise."""

READ_S_PER_TOKEN = 1e-4
"""How long it takes to read a token that is not cached. Anthropic tells of 100,000 tokens in 9.1 s
("Prompt caching with Claude", 2024)."""

TERM = "session"
"""The name of the term that says what staying is worth."""

MOST_TOKENS = 10_000_000
"""More than that is a mistake of whoever counted."""

_TOKENS_PER_MTOK = 1e6
_DIGITS = 3


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
