"""Do all who keep books of a soak agree, to the cent?

Four do: the callers, who see answers and usage, and reckon costs from the price list by themselves;
the database, row by row; the counters that Prometheus reads; and the analytics of the control API.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

import asyncpg
from prometheus_client.parser import text_string_to_metric_families

from bench.soak.callers import LEFT, Seen
from bench.soak.world import PROVIDER
from pointsman.adapters.providers.simulated.personas import FLEET
from pointsman.adapters.stores.schema import DECISIONS, OUTCOMES

OK = "ok"
MILLION = Decimal(1_000_000)
CENT = Decimal("0.01")
ROWS = f"""
SELECT d.REQUEST_ID, d.DECISION_ID, o.ATTEMPT, o.MODEL_ID, o.FAILURE_KIND, o.PROMPT_TOKENS,
       o.TOKENS_GENERATED, o.CACHED_TOKENS, o.ACTUAL_COST, o.USAGE_ESTIMATED
FROM {DECISIONS} d LEFT JOIN {OUTCOMES} o ON o.DECISION_ID = d.DECISION_ID
ORDER BY d.DECISION_ID, o.ATTEMPT
"""


class Row(NamedTuple):
    """An attempt as the database has it; `attempt` None: a decision without any."""

    request_id: str
    decision_id: str
    attempt: int | None
    model: str
    failure: str | None
    prompt: int
    completion: int
    cached: int
    cost: Decimal | None
    estimated: bool


@dataclass
class Book:
    """What one of them has of one model."""

    results: Counter[str] = field(default_factory=Counter)
    prompt: int = 0
    completion: int = 0
    cached: int = 0
    cost: Decimal = Decimal(0)

    def add(self, result: str, *, prompt: int, completion: int, cached: int, cost: Decimal) -> None:
        self.results[result] += 1
        self.prompt += prompt
        self.completion += completion
        self.cached += cached
        self.cost += cost


Books = Mapping[str, Book]


class Rates(NamedTuple):
    """US dollars per million tokens: of prompts, of what the cache had of them, of answers."""

    plain: Decimal = Decimal(0)
    cached: Decimal = Decimal(0)
    completion: Decimal = Decimal(0)


Prices = Mapping[str, Rates]


def price_list() -> Prices:
    """By model; what is free costs nothing."""
    found = {}
    for persona in FLEET:
        price = persona.price
        told = (price.input, price.cached_input, price.output)
        usd = [each.usd_per_mtok for each in told if each is not None]
        found[f"{PROVIDER}/{persona.name}"] = Rates(*usd)
    return found


def cost_of(seen: Seen, prices: Prices) -> Decimal:
    """What an answer costs by its usage and the price list."""
    rates = prices[seen.model]
    prompt = (seen.prompt_tokens - seen.cached_tokens) * rates.plain
    prompt += seen.cached_tokens * rates.cached
    return (prompt + seen.completion_tokens * rates.completion) / MILLION


def of_callers(seen: Iterable[Seen]) -> Books:
    """Right answers only: of others a caller knows no costs."""
    prices = price_list()
    books: dict[str, Book] = defaultdict(Book)
    for each in seen:
        if not each.fault:
            books[each.model].add(
                OK,
                prompt=each.prompt_tokens,
                completion=each.completion_tokens,
                cached=each.cached_tokens,
                cost=cost_of(each, prices),
            )
    return books


def of_rows(rows: Iterable[Row]) -> Books:
    books: dict[str, Book] = defaultdict(Book)
    for row in rows:
        if row.attempt is not None:
            books[row.model].add(
                row.failure or OK,
                prompt=row.prompt,
                completion=row.completion,
                cached=row.cached,
                cost=row.cost or Decimal(0),
            )
    return books


def rows_of(url: str) -> list[Row]:
    """Every attempt that the database has, in order."""

    async def read() -> list[Row]:
        connection = await asyncpg.connect(url)
        try:
            return [_row(each) for each in await connection.fetch(ROWS)]
        finally:
            await connection.close()

    return asyncio.run(read())


def _row(found: Any) -> Row:
    request, decision, attempt, model, failure, prompt, completion, cached, cost, estimated = found
    counts = (prompt or 0, completion or 0, cached or 0)
    return Row(request, decision, attempt, model or "", failure, *counts, cost, bool(estimated))


_OF_MODELS = {
    "pointsman_prompt_tokens": "prompt",
    "pointsman_completion_tokens": "completion",
    "pointsman_cached_prompt_tokens": "cached",
}


def of_metrics(page: str) -> Books:
    """What `/metrics` counts, by model."""
    books: dict[str, Book] = defaultdict(Book)
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            labels = sample.labels
            if sample.name == "pointsman_attempts_total":
                books[labels["model"]].results[labels["result"]] += int(sample.value)
            elif sample.name == "pointsman_cost_usd_total":
                books[labels["model"]].cost += Decimal(str(sample.value))
            elif name := _OF_MODELS.get(family.name):
                setattr(books[labels["model"]], name, int(sample.value))
    return books


ANALYTICS = ("attempts", "successes", "prompt_tokens", "completion_tokens", "cached_tokens")


def of_analytics(charts: Mapping[str, Any]) -> Books:
    """What charts of the last hours add up to: `charts` by metric, `cost_usd` among them."""
    books: dict[str, Book] = defaultdict(Book)
    sums = {
        metric: {each["name"]: _sum(each["values"]) for each in chart["series"]}
        for metric, chart in charts.items()
    }
    for model, attempts in sums["attempts"].items():
        right = int(sums["successes"].get(model, 0))
        results = Counter({OK: right, "failed": int(attempts) - right})
        books[model] = Book(
            +results,
            prompt=int(sums["prompt_tokens"].get(model, 0)),
            completion=int(sums["completion_tokens"].get(model, 0)),
            cached=int(sums["cached_tokens"].get(model, 0)),
            cost=sums["cost_usd"].get(model, Decimal(0)),
        )
    return books


def _sum(values: Iterable[float | None]) -> Decimal:
    return sum((Decimal(str(each)) for each in values if each is not None), Decimal(0))


def differences(name: str, wanted: Books, found: Books, *, kinds: bool) -> Iterator[str]:
    """Where two books differ, in words. `kinds`: whether both tell failures by their kind."""
    for model in sorted({*wanted, *found}):
        one, other = wanted.get(model, Book()), found.get(model, Book())
        if _results(one, kinds) != _results(other, kinds):
            yield f"{name}, {model}: {_results(other, kinds)} instead of {_results(one, kinds)}"
        for what in ("prompt", "completion", "cached"):
            had, has = getattr(one, what), getattr(other, what)
            if had != has:
                yield f"{name}, {model}: {has} {what} tokens instead of {had}"
        if abs(one.cost - other.cost) >= CENT / 2:
            yield f"{name}, {model}: {other.cost:.6f} US dollars instead of {one.cost:.6f}"


def total(books: Books) -> Book:
    """All models together."""
    whole = Book()
    for book in books.values():
        whole.results += book.results
        whole.prompt += book.prompt
        whole.completion += book.completion
        whole.cached += book.cached
        whole.cost += book.cost
    return whole


def of_totals(wanted: Books, stats: Mapping[str, Any]) -> Iterator[str]:
    """Where `/stats` says another total than `wanted`, in words."""
    whole = total(wanted)
    told = {
        "attempts": (whole.results.total(), stats["attempts"]["total_requests"]),
        "right": (whole.results[OK], stats["attempts"]["successful_requests"]),
        "prompt tokens": (whole.prompt, stats["tokens"]["prompt"]),
        "completion tokens": (whole.completion, stats["tokens"]["completion"]),
        "cached tokens": (whole.cached, stats["tokens"]["cached"]),
    }
    for what, (had, has) in told.items():
        if had != has:
            yield f"/stats: {has} {what} instead of {had}"
    if abs(whole.cost - Decimal(str(stats["cost_usd"]))) >= CENT / 2:
        yield f"/stats: {stats['cost_usd']} US dollars instead of {whole.cost:.6f}"


def _results(book: Book, kinds: bool) -> Mapping[str, int]:
    if kinds:
        return dict(sorted((+book.results).items()))
    right = book.results[OK]
    return {OK: right, "failed": book.results.total() - right}


def one_by_one(seen: Mapping[str, Seen], rows: Iterable[Row]) -> Iterator[str]:
    """Where an answer and its row differ, in words: every request is looked up by its id."""
    prices, attempts = price_list(), defaultdict(list)
    for row in rows:
        attempts[row.request_id].append(row)
    for request_id in attempts.keys() - seen.keys():
        yield f"{request_id}: nobody asked this"
    for request_id, answer in seen.items():
        found = [row for row in attempts.get(request_id, []) if row.attempt is not None]
        for words in _compared(answer, found, request_id in attempts, prices):
            yield f"{request_id}: {words}"


def _compared(
    answer: Seen,
    attempts: list[Row],
    decided: bool,
    prices: Prices,
) -> Iterator[str]:
    if answer.fault == LEFT:
        return  # who hangs up may do so before the gateway has read anything
    if not decided:
        yield f"no decision was kept of what ended with {answer.fault or 'an answer'}"
        return
    if [row.attempt for row in attempts] != list(range(1, len(attempts) + 1)):
        yield f"its attempts are {[row.attempt for row in attempts]}"
    right = [row for row in attempts if row.failure is None]
    if answer.fault:
        if right:
            yield f"the caller saw {answer.fault}, the database an answer of {right[0].model}"
        return
    if len(right) != 1:
        yield f"an answer of {answer.model} is kept as {len(right)} answers"
        return
    (row,) = right
    wanted = (answer.model, answer.prompt_tokens, answer.completion_tokens, answer.cached_tokens)
    if wanted != (row.model, row.prompt, row.completion, row.cached):
        yield f"the caller has {wanted}, the database {row}"
    elif cost_of(answer, prices) != row.cost:
        yield f"it cost {cost_of(answer, prices)} by the price list, {row.cost} by the database"
