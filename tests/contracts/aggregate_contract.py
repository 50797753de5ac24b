"""What does every store say of how much happened when?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest
from store_contract import FAILED, a_decision, an_outcome

from pointsman.app.storing import Memory
from pointsman.core.aggregate import GRAINS_S, Dimension, first_id
from pointsman.core.decision import Decision, Outcome
from pointsman.core.fleet import Usage
from pointsman.engine.history_ports import AggregateStore, Figures, Point, SeriesQuery

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
Records = list[Decision | Outcome]


def traffic(first_s: int, last_s: int, *, seed: int = 0, per_s: float = 0.2) -> Records:
    """Requests of a few agents on a few models, some with a failed attempt before."""
    random, found = Random(seed), []
    at_s = float(first_s)
    while (at_s := at_s + random.expovariate(per_s)) < last_s:
        found += request(at_s, random)
    return found


def request(at_s: float, random: Random) -> Records:
    at = BEGIN + timedelta(seconds=at_s)
    seed = random.getrandbits(64)
    name = f"dec_{int(at.timestamp() * 1000):011x}{seed:016x}"
    model = random.choice(["p/one", "p/two", "q/three"])
    agent = random.choice(["builder", "tester"])
    decision = a_decision(1, model_id=model, id=name, at=at, agent_id=agent, panic=False)
    outcomes = []
    if random.random() < 0.2:
        outcomes.append(an_outcome(decision_id=name, agent_id=agent, model_id=model, **FAILED))
    served = "p/standby" if outcomes else model
    ended = an_outcome(
        decision_id=name,
        attempt=len(outcomes) + 1,
        model_id=served,
        agent_id=agent,
        total_s=random.lognormvariate(0, 1),
        first_token_s=0.1 + random.random(),
        usage=Usage(100, 10, 5),
        cost_usd=Decimal(random.randrange(1, 10_000)) / 10**7,
        at=at + timedelta(seconds=3),
    )
    return [decision, *outcomes, ended]


def at(seconds: int) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def rolled(aggregates: AggregateStore, now: datetime) -> int:
    """All that is due, however many turns it takes."""
    count = 0
    while turn := aggregates.roll(now):
        count += turn
    return count


def asked(start: int, end: int, step_s: int, dimension: Dimension = Dimension.ALL) -> SeriesQuery:
    return SeriesQuery(at(start), at(end), step_s, dimension, latencies=True)


def points(store: Memory, query: SeriesQuery) -> list[Point]:
    return list(store.aggregates.series(query).points)


def total(found: list[Point]) -> Figures:
    return Figures(*(sum(column) for column in zip(*(p.figures for p in found), strict=True)))


class AggregateContract:
    """Subclass it, and give a fixture `store` that yields an empty store."""

    def test_a_period_says_what_was_asked_and_what_came_of_it(self, store: Memory) -> None:
        records = traffic(0, 600)
        store.append(records)
        rolled(store.aggregates, at(700))
        found = total(points(store, asked(0, 600, 60)))
        decisions = [each for each in records if isinstance(each, Decision)]
        outcomes = [each for each in records if isinstance(each, Outcome)]
        ended = [each for each in outcomes if each.failure is None]
        assert (found.decisions, found.attempts) == (len(decisions), len(outcomes))
        assert (found.successes, found.faults) == (len(ended), len(outcomes) - len(ended))
        assert found.fallbacks == len(outcomes) - len(ended)
        assert found.cost_picos == sum(
            int(each.cost_usd * 10**12) for each in ended if each.cost_usd
        )
        assert found.prompt_tokens == 10 * found.completion_tokens == 100 * len(ended)
        assert found.score_sum == pytest.approx(0.75 * len(decisions))

    @pytest.mark.parametrize("dimension", Dimension)
    def test_every_step_of_every_dimension_comes_to_the_same(
        self, store: Memory, dimension: Dimension
    ) -> None:
        store.append(traffic(0, 2 * 86_400 + 5_000, per_s=0.003))
        rolled(store.aggregates, at(2 * 86_400 + 5_100))
        whole = [points(store, asked(0, 3 * 86_400, step, dimension)) for step in GRAINS_S]
        sums = [total(found) for found in whole]
        assert all(each._replace(score_sum=0) == sums[0]._replace(score_sum=0) for each in sums)
        names = {point.name for point in whole[0]}
        assert {point.name for point in whole[-1]} == names
        assert (names == {""}) is (dimension is Dimension.ALL)
        for name in names:
            merged = [[p.period for p in found if p.name == name and p.period] for found in whole]
            for each in merged:
                for other in each[1:]:
                    each[0].merge(other)
            assert len({each[0].packed() for each in merged}) == 1, "merging is exact"

    def test_the_present_hour_is_there_before_it_is_over(self, store: Memory) -> None:
        store.append(traffic(0, 5_000, per_s=0.02))
        rolled(store.aggregates, at(5_000))
        found = store.aggregates.series(asked(0, 10_000, 3_600))
        assert [point.starts_at for point in found.points] == [at(0), at(3_600)]
        assert found.complete_until == at(4_980 - 4_980 % 60)

    def test_a_clock_that_jumps_an_hour_back_and_forth_loses_and_doubles_nothing(
        self, store: Memory
    ) -> None:
        records = traffic(7_200, 7_400)
        store.append(records)
        rolled(store.aggregates, at(7_500))
        back, ahead = traffic(3_900, 4_000, seed=1), traffic(11_000, 11_100, seed=2)
        store.append(back)
        rolled(store.aggregates, at(4_100))
        store.append(ahead)
        rolled(store.aggregates, at(7_600))
        for _ in range(2):
            rolled(store.aggregates, at(12_000))
        decisions = sum(isinstance(each, Decision) for each in (*records, *back, *ahead))
        for step in GRAINS_S:
            assert total(points(store, asked(0, 86_400, step))).decisions == decisions

    def test_old_periods_are_forgotten_and_longer_ones_stay(self, store: Memory) -> None:
        store.append(traffic(0, 7_200, per_s=0.01))
        rolled(store.aggregates, at(7_300))
        whole = total(points(store, asked(0, 7_200, 3_600)))
        assert store.aggregates.forget_periods(60, at(7_200)) > 20
        assert store.aggregates.forget_periods(60, at(7_200)) == 0
        assert points(store, asked(0, 3_600, 60)) == []
        assert total(points(store, asked(0, 7_200, 3_600))) == whole

    def test_outcomes_whose_decision_was_lost_count_as_attempts(self, store: Memory) -> None:
        records = traffic(0, 60)
        store.append([each for each in records if isinstance(each, Outcome)])
        rolled(store.aggregates, at(120))
        found = total(points(store, asked(0, 60, 60)))
        assert found.decisions == 0
        assert found.attempts > 0

    def test_only_the_busiest_are_shown_where_there_are_many(self, store: Memory) -> None:
        store.append(traffic(0, 600))
        rolled(store.aggregates, at(700))
        query = asked(0, 600, 600, Dimension.AGENT)._replace(limit=1)
        assert len(points(store, query)) == 1
        named = asked(0, 600, 600, Dimension.MODEL)._replace(names=("q/three", "p/nobody"))
        assert [point.name for point in points(store, named)] == ["q/three"]

    def test_ids_of_another_form_are_left_out(self, store: Memory) -> None:
        store.append([a_decision(1), an_outcome(1)])
        rolled(store.aggregates, at(100))
        store.append([a_decision(2, id="dec_zzz"), a_decision(3, id=first_id(0) + "z")])
        rolled(store.aggregates, at(100))

    def test_a_long_chart_reads_few_rows(self, store: Memory) -> None:
        store.append(traffic(0, 86_400 * 3, per_s=0.004))
        rolled(store.aggregates, at(86_400 * 3 + 100))
        assert len(points(store, asked(0, 86_400 * 3, 86_400))) == 3
        assert len(points(store, asked(0, 3_600, 60))) > 5
