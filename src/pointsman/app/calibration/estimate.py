"""What will a calibration cost?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from pointsman.app.calibration.cases import Case
from pointsman.core.features import BYTES_PER_TOKEN, TOKENS_PER_MESSAGE
from pointsman.core.fleet import Model, Usage

USUAL_ANSWER_TOKENS = 250
"""How long an answer is taken to be for the likely cost."""

JUDGE_TOKENS = 300
"""How long a judge's reply may be."""


class Cost(NamedTuple):
    """US dollars: what is likely, and what it is at most (answers as long as they may be).

    Prompts are estimated from their bytes, good to some 20 %.
    """

    likely_usd: Decimal = Decimal(0)
    most_usd: Decimal = Decimal(0)

    def plus(self, other: Cost) -> Cost:
        return Cost(self.likely_usd + other.likely_usd, self.most_usd + other.most_usd)


class Pricing(NamedTuple):
    """How long answers may be, and who judges them, if anybody does."""

    max_tokens: int
    judge: Model | None = None

    def answer(self, case: Case, model: Model) -> Cost | None:
        """The answer of `model` with its judgement; None when the price of either is unknown."""
        most = case.max_tokens or self.max_tokens
        asked = _cost(model, prompt_tokens(case.messages), most)
        if case.good is not None or asked is None or self.judge is None:
            return asked
        read = prompt_tokens(case.messages) + JUDGE_TOKENS
        judged = _cost(self.judge, read, JUDGE_TOKENS, also_read=most)
        return None if judged is None else asked.plus(judged)


def prompt_tokens(messages: Iterable[Mapping[str, Any]]) -> int:
    """Tokens of a prompt, estimated."""
    return sum(
        len(str(message.get("content", "")).encode("utf-8", "surrogatepass")) // BYTES_PER_TOKEN
        + TOKENS_PER_MESSAGE
        for message in messages
    )


def estimated(cases: Sequence[Case], models: Sequence[Model], pricing: Pricing) -> Cost:
    """The cost of all answers of models whose price is known."""
    total = Cost()
    for model in models:
        for case in cases:
            total = total.plus(pricing.answer(case, model) or Cost())
    return total


def unpriced(cases: Sequence[Case], models: Sequence[Model], pricing: Pricing) -> list[str]:
    """The ids of the models of which, or of whose judge, the price is unknown."""
    return [
        model.id for model in models if any(pricing.answer(case, model) is None for case in cases)
    ]


def _cost(model: Model, prompt: int, most: int, *, also_read: int = 0) -> Cost | None:
    likely = min(USUAL_ANSWER_TOKENS, most)
    read = min(USUAL_ANSWER_TOKENS, also_read)
    usual = model.price.cost_usd(Usage(prompt + read, likely))
    highest = model.price.cost_usd(Usage(prompt + also_read, most))
    return None if usual is None or highest is None else Cost(usual, highest)
