"""What does every rota promise to gateways that share their alerts?"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from pointsman.core.alert_conditions import Reading
from pointsman.core.alert_counted import Counted, Row, Tail
from pointsman.core.alert_metrics import EVERYTHING
from pointsman.core.alert_report import Gauge, Report
from pointsman.engine.alert_ports import Hold, Rota


class Pair(NamedTuple):
    """Two gateways; `lapse` lets the time pass after which nobody has the watch."""

    one: Rota
    other: Rota
    lapse: Callable[[], None]


def a_report(rota: Rota, count: float = 1.0) -> Report:
    rows = [Row("coder", "p/one", [count, 0.0])]
    counted = Counted((0.5,), (), rows, {"p/one": Tail(faults=2)})
    return Report(rota.name, counted, [Gauge("requests_in_flight", EVERYTHING, Reading(3.0))])


def counts(reports: object) -> list[float]:
    return [each.counted.rows[0].counts[0] for each in reports]  # type: ignore[attr-defined]


class RotaContract:
    """A subclass gives the fixture `pair`."""

    def test_one_of_them_has_the_watch(self, pair: Pair) -> None:
        assert pair.one.name != pair.other.name
        assert pair.one.take(over=False) is Hold.NONE
        assert pair.one.take(over=True) is Hold.TAKEN
        assert pair.other.take(over=True) is Hold.NONE
        assert pair.one.take(over=False) is Hold.KEPT

    def test_who_does_not_say_so_again_has_it_no_more(self, pair: Pair) -> None:
        assert pair.one.take(over=True) is Hold.TAKEN
        pair.lapse()
        assert pair.other.take(over=False) is Hold.NONE
        assert pair.other.take(over=True) is Hold.TAKEN
        assert pair.one.take(over=True) is Hold.NONE

    def test_who_comes_back_before_anybody_else_has_it_as_before(self, pair: Pair) -> None:
        assert pair.one.take(over=True) is Hold.TAKEN
        pair.lapse()
        assert pair.one.take(over=False) is Hold.KEPT
        assert pair.other.take(over=True) is Hold.NONE

    def test_who_leaves_lets_another_have_it_at_once(self, pair: Pair) -> None:
        assert pair.one.take(over=True) is Hold.TAKEN
        pair.other.leave()
        assert pair.other.take(over=True) is Hold.NONE
        pair.one.leave()
        assert pair.other.take(over=True) is Hold.TAKEN

    def test_every_report_of_another_is_read_once_and_in_order(self, pair: Pair) -> None:
        assert list(pair.one.told()) == []
        pair.one.tell(a_report(pair.one, 9.0))
        for count in (1.0, 2.0):
            pair.other.tell(a_report(pair.other, count))
        found = pair.one.told()
        assert counts(found) == [1.0, 2.0]
        assert found[0] == a_report(pair.other)
        pair.other.tell(a_report(pair.other, 3.0))
        assert counts(pair.one.told()) == [3.0]
        assert counts(pair.other.told()) == [9.0]
