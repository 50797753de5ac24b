"""Does an explanation read well in a terminal, and does what looks like a sum add up?"""

from __future__ import annotations

import io
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.app.commands.telling import BAR_POINTS, MOST_SHOWN, told

NAMES = ("success", "speed", "cheapness", "failures")


def candidate(model_id: str, *values: float) -> dict[str, Any]:
    terms = [
        {"name": name, "value": value, "weight": 50.0, "detail": f"{name} in words"}
        for name, value in zip(NAMES, values, strict=False)
    ]
    return {"model_id": model_id, "score": sum(values), "terms": terms, "estimate": None}


def outcome(attempt: int, **changes: Any) -> dict[str, Any]:
    plain = {
        "attempt": attempt,
        "model_id": "lab/a",
        "successful": True,
        "failure": None,
        "blames": None,
        "latency_ms": 1_500.0,
        "first_token_ms": 250.0,
        "cost_usd": 0.0025,
    }
    return {**plain, **changes}


def decision(*candidates: dict[str, Any], **changes: Any) -> dict[str, Any]:
    plain = {
        "decision_id": "dec_1",
        "timestamp": "2026-03-01T12:00:00Z",
        "agent_id": "coder",
        "asked_model": "auto",
        "task_type": None,
        "task": {
            "type": None,
            "type_probability": None,
            "stream": False,
            "prompt_tokens": 12,
        },
        "session": None,
        "strategy": "balanced",
        "weights": {"quality": 0.6, "latency": 0.25, "cost": 0.15},
        "config_version": "cfg_1",
        "config_is_current": True,
        "model_id": candidates[0]["model_id"] if candidates else None,
        "reason": {"words": "its score was the best"},
        "propensity": 1.0,
        "candidates": list(candidates),
        "rejections": [],
        "counterfactual": None,
        "outcomes": [],
        "cost_usd": None,
        "feedback": None,
    }
    return {**plain, **changes}


def score_lines(text: str) -> list[list[str]]:
    lines = text.partition("Scores (")[2].partition("\n\n")[0].splitlines()
    return [line.split() for line in lines if line.startswith("  lab/")]


@given(st.lists(st.floats(0.0, 30.0), min_size=3, max_size=3), st.floats(-20.0, 0.0))
def test_the_figures_of_a_row_and_its_bar_add_up(values: list[float], lost: float) -> None:
    row = score_lines(told(decision(candidate("lab/a", *values, lost))))[0]
    score, *terms = (float(cell) for cell in row[1:6])
    assert sum(terms) == pytest.approx(score, abs=1e-6)
    assert score == pytest.approx(sum(values) + lost, abs=0.051)
    bar = row[6] if len(row) > 6 else ""
    assert len(bar) == max(0, round((sum(values) + lost) / BAR_POINTS))


EVERYTHING: dict[str, Any] = {
    "session": "s1",
    "task_type": "coding",
    "task": {"type": "coding", "type_probability": 0.87, "stream": True, "prompt_tokens": 12},
    "config_is_current": False,
    "propensity": 0.255,
    "rejections": [
        {
            "model_id": "lab/full",
            "code": "at_limit",
            "words": "8 of 8 calls in flight",
            "score": 81.0,
        },
        {"model_id": "lab/no", "code": "not_allowed", "words": "denied", "score": None},
    ],
    "counterfactual": {
        "model_id": "lab/b",
        "words": "lab/b would have gone first if it was quick.",
        "changes": [{"words": "it was quick"}, {"words": "it were free"}],
    },
    "outcomes": [
        outcome(
            1,
            successful=False,
            failure="server_error",
            blames="endpoint",
            first_token_ms=None,
            cost_usd=None,
        ),
        outcome(2, model_id="lab/b"),
    ],
    "feedback": {"rating": 4, "success": True, "comment": "fine"},
}


def test_everything_that_explains_a_decision_is_told() -> None:
    estimate = {"evidence_words": "about 42 recent answers seen"}
    chosen = {**candidate("lab/a", 50.0, 20.0, 10.0, -1.0), "estimate": estimate}
    text = told(decision(chosen, candidate("lab/b", 40.0), **EVERYTHING))
    for words in (
        "agent coder, asked for auto, task coding (inferred, 87% sure), streamed,",
        "streamed, about 12 tokens of prompt, session s1",
        "configuration cfg_1, which is no longer in force",
        "Chose lab/a: its score was the best.",
        "It had a chance of 25.5%.",
        "Scores (strategy balanced: quality 60%, latency 25%, cost 15%)",
        "success: success in words",
        "evidence: about 42 recent answers seen",
        "would score 81.0",
        "lab/b would have gone first if it was quick.",
        "or if it were free",
        "Attempts (together unknown)",
        "server_error, which blames the endpoint",
        "cost unknown",
        "first token after 0.25 s",
        "0.002500 USD",
        "Said of the answer: rated 4 of 5, served its purpose, 'fine'",
    ):
        assert words in text


def test_what_there_is_none_of_is_left_out() -> None:
    text = told(decision(weights=None, reason={"words": "no model could serve the request"}))
    assert "Chose nobody: no model could serve the request." in text
    for heading in ("Scores", "rest on", "Out", "What if", "Attempts", "Under way", "Said"):
        assert heading not in text


def test_a_dry_run_has_no_attempts() -> None:
    dry = told(decision(candidate("lab/a", 50.0), weights=None), dry=True)
    assert "Would choose lab/a" in dry
    assert "Under way" not in dry
    assert "Under way" in told(decision(candidate("lab/a", 50.0)))


def test_an_answer_that_did_not_serve_is_told_so() -> None:
    said = {"rating": None, "success": False, "comment": ""}
    text = told(decision(candidate("lab/a", 50.0), feedback=said))
    assert "Said of the answer: did not serve its purpose" in text


def test_of_many_the_first_are_shown_and_the_rest_counted() -> None:
    many = [candidate(f"lab/m{number}", 50.0 - number) for number in range(MOST_SHOWN + 3)]
    out = [
        {"model_id": f"lab/x{number}", "code": "resting", "words": "rests", "score": None}
        for number in range(MOST_SHOWN + 2)
    ]
    text = told(decision(*many, rejections=out))
    assert len(score_lines(text)) == MOST_SHOWN
    assert "  and 3 more" in text
    assert "  and 2 more" in text


def test_a_terminal_without_blocks_gets_plain_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    text = told(decision(candidate("lab/a", 50.0, 20.0)))
    assert "#" * 20 + "=" * 8 in text
    assert text.isascii()
