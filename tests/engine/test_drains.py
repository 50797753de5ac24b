"""Is a drained model chosen no more, whatever happens, until somebody puts it back?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from test_assignments import CLERK, CODER, LARGE, OPS, SMALL, Office, run_it

from pointsman.core.audit import ITSELF
from pointsman.core.decision import ReasonCode, Selection
from pointsman.core.errors import Conflict, RequestError, StoreError, UnknownModel
from pointsman.core.fleet import Agent
from pointsman.engine.audit import Audit
from pointsman.engine.drains import Drains
from pointsman.engine.history_ports import AuditQuery
from pointsman.engine.in_force import Who
from pointsman.engine.matching import usual_task

OTHER = replace(LARGE, id="shop/other", provider="shop")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    office = Office(tmp_path / "pointsman.db")
    office.configured(models=(LARGE, OTHER, SMALL))
    yield office
    office.store.close()


def drains_of(office: Office) -> Drains:
    drains = Drains(office.registry, Audit(office.store.audit, office.clock, Random(3)))
    run_it(drains.take_up())
    return drains


def able(office: Office, agent: Agent = CODER, selection: Selection | None = None) -> list[str]:
    wanted = Selection() if selection is None else selection
    found = office.registry.current.shortlists.of(agent, usual_task(agent), wanted)
    return [each.model_id for each in found.candidates]


def test_a_drained_model_is_chosen_no_more_and_then_again(office: Office) -> None:
    drains = drains_of(office)
    run_it(drains.drain("lab/large", OPS))
    assert able(office) == ["shop/other"]
    found = office.registry.current.shortlists.of(CODER, usual_task(CODER), Selection())
    assert found.rejections[0].objection.code is ReasonCode.DRAINED
    since = drains.of("lab/large")
    assert since is not None
    assert (since.by, since.reason, since.at) == ("ops", "because", office.clock.now())
    run_it(drains.undrain("lab/large", OPS))
    assert able(office) == ["lab/large", "shop/other"]
    assert drains.of("lab/large") is None


def test_whoever_names_a_drained_model_has_it(office: Office) -> None:
    run_it(drains_of(office).drain("lab/large", OPS))
    assert able(office, selection=Selection(pinned="lab/large")) == ["lab/large"]
    behind = Selection(pinned="shop/other", fallbacks=("lab/large",))
    assert able(office, selection=behind) == ["shop/other", "lab/large"]
    assert able(office, selection=Selection(only=frozenset({"lab/large", "shop/other"}))) == [
        "shop/other"
    ]


def test_what_is_drained_stays_so_over_a_restart_a_reload_and_an_assignment(office: Office) -> None:
    run_it(drains_of(office).drain("lab/large", OPS))
    office.configured(agents=(CODER, CLERK))
    assert "lab/large" not in able(office)
    office.apply()
    assert office.posts()["coder"] == "shop/other", "no plan puts anybody there"
    with pytest.raises(RequestError, match="drained"):
        run_it(office.book.override("coder", "lab/large", OPS))
    office.restarted()
    assert "lab/large" in able(office)
    drains = drains_of(office)
    assert "lab/large" not in able(office)
    office.clock.t = 60.0
    run_it(drains.undrain("lab/large", OPS))
    office.restarted()
    drains_of(office)
    assert "lab/large" in able(office)


def test_who_stood_on_it_stands_there_again_once_it_is_back(office: Office) -> None:
    drains = drains_of(office)
    run_it(office.book.override("coder", "lab/large", OPS))
    run_it(drains.drain("lab/large", OPS))
    assert office.posts()["coder"] == "lab/large"
    assert able(office)[0] == "shop/other"
    run_it(drains.undrain("lab/large", OPS))
    assert able(office)[0] == "lab/large"


def test_it_is_written_down_who_did_it_and_nothing_is_done_that_could_not_be(
    office: Office,
) -> None:
    drains = drains_of(office)
    run_it(drains.drain("lab/large", OPS))
    office.clock.t = 60.0
    run_it(drains.undrain("lab/large", Who("boss")))
    acts = office.store.audit.acts(AuditQuery(kind="model"))
    assert [(act.action, act.actor, act.subject) for act in acts] == [
        ("model.undrain", "boss", "lab/large"),
        ("model.drain", "ops", "lab/large"),
    ]
    office.store.close()
    with pytest.raises(StoreError):
        run_it(drains.drain("lab/large", OPS))
    assert "lab/large" in able(office)


def test_what_makes_no_sense_is_refused_in_words(office: Office) -> None:
    drains = drains_of(office)
    with pytest.raises(UnknownModel, match="no model is called 'lab/typo'"):
        run_it(drains.drain("lab/typo", OPS))
    with pytest.raises(Conflict, match="is not drained"):
        run_it(drains.undrain("lab/large", OPS))
    run_it(drains.drain("lab/large", OPS))
    with pytest.raises(Conflict, match=r"since 2026-03-01 12:00:00Z, by ops"):
        run_it(drains.drain("lab/large", OPS))


def test_nothing_is_changed_before_it_is_known_what_was(office: Office) -> None:
    drains = Drains(office.registry, Audit(office.store.audit, office.clock, Random(3)))
    with pytest.raises(StoreError):
        run_it(drains.drain("lab/large", OPS))
    with pytest.raises(StoreError):
        run_it(drains.undrain("lab/large", OPS))


def test_what_another_gateway_of_the_same_store_drains_is_taken_up(office: Office) -> None:
    ours, theirs = drains_of(office), drains_of(office)
    office.clock.t = 1.0
    run_it(theirs.drain("lab/large", OPS))
    assert ours.of("lab/large") is None
    run_it(ours.take_up())
    assert ours.of("lab/large") is not None
    office.clock.t = 2.0
    run_it(ours.undrain("lab/large", OPS))
    run_it(theirs.take_up())
    run_it(theirs.take_up())
    assert theirs.of("lab/large") is None


def test_many_acts_are_read_in_pages(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pointsman.engine.drains.AT_A_TIME", 2)
    drains = drains_of(office)
    for step in range(4):
        office.clock.t = float(step)
        run_it((drains.undrain if step % 2 else drains.drain)("lab/large", OPS))
    office.clock.t = 9.0
    run_it(drains.drain("shop/small", OPS))
    again = drains_of(office)
    assert again.of("shop/small") is not None
    assert again.of("lab/large") is None


def test_a_drain_outlives_the_log_that_it_stands_in(office: Office) -> None:
    drains = drains_of(office)
    run_it(drains.drain("lab/large", OPS))
    run_it(drains.drain("shop/small", Who("boss")))
    office.clock.t = 3_600.0
    limit = office.clock.now() - timedelta(minutes=1)
    run_it(drains.renew(limit))
    office.store.audit.forget_acts(limit)
    again = drains_of(office)
    assert [again.of(name) and again.of(name).reason for name in ("lab/large", "shop/small")] == [  # type: ignore[union-attr]
        "because",
        "drained by boss",
    ]
    since = again.of("lab/large")
    assert since is not None
    assert since.by == ITSELF
    before = office.store.audit.acts(AuditQuery(kind="model"))
    run_it(drains.renew(limit))
    assert office.store.audit.acts(AuditQuery(kind="model")) == before, "once is enough"
