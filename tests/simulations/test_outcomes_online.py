"""Does pointsman find the good models when only the chosen one answers?"""

from __future__ import annotations

import pytest
from made_matrix import made_matrix
from simulations.outcomes import main, online, online_lines, reports, seeds_of
from simulations.outcomes_bandits import BANDITS, fixed, reached
from simulations.outcomes_stream import Setting, Stream, ordered, share_of_the_way

MATRIX = made_matrix()


def test_most_of_the_way_to_the_best_model_is_gone() -> None:
    """The best of each domain is a third better than the best single model here."""
    run = Stream(MATRIX, 1, Setting()).run()
    assert run.share > 0.9
    assert 0.0 < run.explored <= 0.02


def test_the_same_seed_gives_the_same_run() -> None:
    few = MATRIX.of(MATRIX.group < 150)
    assert Stream(few, 7, Setting()).run() == Stream(few, 7, Setting()).run()


@pytest.mark.parametrize("setting", [Setting(judged=0.2), Setting(late=100)])
def test_few_judgements_or_late_ones_teach_less_but_do_no_harm(setting: Setting) -> None:
    assert Stream(MATRIX, 1, setting).run().share > 0.75


def test_who_declares_nothing_and_explores_nothing_still_learns() -> None:
    run = Stream(MATRIX, 1, Setting(declared=False, explore=0.0)).run()
    assert run.share > 0.6
    assert run.explored == 0.0


def test_types_that_are_inferred_stand_in_for_what_is_not_declared() -> None:
    kinds = ["coding" if place == 0 else "general" for place in MATRIX.domain]
    run = Stream(MATRIX, 1, Setting(declared=False)).run(kinds)
    assert run.share > 0.9


def test_calibration_comes_first_and_is_not_counted() -> None:
    before, after = ordered(MATRIX, 3, 100)
    assert len(before) == 100
    assert sorted([*before, *after]) == list(range(len(MATRIX)))


def test_chance_is_nought_and_the_best_model_one() -> None:
    score = MATRIX.score
    assert share_of_the_way(score.mean(), score) == pytest.approx(0.0)
    assert share_of_the_way(score.mean(axis=0).max(), score) == pytest.approx(1.0)


@pytest.mark.parametrize("name", BANDITS)
def test_simple_ways_beat_chance_and_no_oracle(name: str) -> None:
    choice, by_domain = BANDITS[name]
    share = reached(MATRIX, 1, choice, by_domain=by_domain)
    known = fixed(MATRIX, 1)
    assert 0.2 < share <= known["the best of each domain in hindsight"] < known["oracle"]


def test_all_that_runs_online_is_reported() -> None:
    few = MATRIX.of(MATRIX.group < 120)
    head, *lines = online_lines([online(few, 1)])
    assert "share" in head
    assert len(lines) == len(online(few, 1))


def test_a_report_of_one_kind_needs_no_other_library() -> None:
    few = MATRIX.of(MATRIX.group < 120)
    lines = list(reports(few, [1], jobs=1, only="online"))
    assert lines[0].startswith("made: 240 prompts in 120 groups, 4 models, 3 domains")


def test_the_command_says_what_it_takes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--help"])
    assert left.value.code == 0
    assert "FOLDER" in capsys.readouterr().out.upper()
    assert (seeds_of("3-5"), seeds_of("7")) == (range(3, 6), range(7, 8))
