"""Scenario 1: does a request go all the way, to an alert and to an open dashboard?"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from typing import Any
from urllib.error import HTTPError

from pointsman.adapters.providers.simulated.faults import Fault
from pointsman.app.loadtest.validation.checks import Check, at_most, holds
from pointsman.app.loadtest.validation.listening import Listener
from pointsman.app.loadtest.validation.stand import PROVIDER, Stand, stand, wait_for

AGENT = "coder"
LEARNS_FROM = 12
FAILING = 4
"""Failures in a row; three are an alert."""

KEPT_WITHIN_S = 5.0
ALERT_WITHIN_S = 15.0
TOLD_WITHIN_S = 10.0

Decision = dict[str, Any]


def run(*, short: bool = False) -> Sequence[Check]:
    """Every step of one request, in order; `short` or not, it is."""
    del short
    with stand(alerts={"interval_s": 1}) as place, closing(Listener(place.url)) as listener:
        return [*_chosen(place), *_learned(place), *_tracked(place), *_alerted(place, listener)]


def decision_of(place: Stand, decision_id: str) -> Decision:
    """What is kept of a decision, its outcome included; it is written behind the answer."""

    def kept() -> Decision | None:
        try:
            found: Decision = place.control(f"/decisions/{decision_id}")["decision"]
        except HTTPError:
            return None
        return found if found["outcomes"] else None

    return wait_for(kept, KEPT_WITHIN_S) or {}


def _chosen(place: Stand) -> Sequence[Check]:
    """The request, and the fit on paper: all that the agent requires, and why others are not."""
    began = time.monotonic()
    headers = place.chat(agent=AGENT)
    took_ms = 1000 * (time.monotonic() - began)
    model, decision = (
        headers["x-pointsman-model"],
        decision_of(place, headers["x-pointsman-decision"]),
    )
    strengths = place.models.personas[model.partition("/")[2]].strengths
    able = strengths.get("coding", 0) and strengths.get("reasoning", 0)
    unfit = [each["model_id"] for each in decision.get("rejections", [])]
    return [
        holds(
            "a request is answered", "by a model of the fleet", f"{model}, {took_ms:.0f} ms", True
        ),
        holds(
            "capability: the model has what the agent requires",
            "coding and reasoning",
            f"{strengths.get('coding', 0):g} and {strengths.get('reasoning', 0):g}",
            bool(able),
        ),
        holds(
            "capability: each model that lacks it is rejected, with a reason",
            "some",
            f"{len(unfit)} rejected, {len(decision.get('candidates', []))} scored",
            bool(unfit) and all(each["words"] for each in decision["rejections"]),
        ),
    ]


def _evidence(decision: Decision, model: str) -> float:
    found = [each for each in decision.get("candidates", []) if each["model_id"] == model]
    return float(found[0]["estimate"]["evidence"]) if found else 0.0


def _learned(place: Stand) -> Sequence[Check]:
    """What happened so far counts in the next score."""
    first = decision_of(place, place.chat(agent=AGENT)["x-pointsman-decision"])
    for _ in range(LEARNS_FROM):
        headers = place.chat(agent=AGENT)
    model = headers["x-pointsman-model"]
    last = decision_of(place, headers["x-pointsman-decision"])
    had, has = _evidence(first, model), _evidence(last, model)
    return [
        holds(
            "adaptive: what was seen of a model counts in its score",
            f"more after {LEARNS_FROM} requests",
            f"evidence of {had:.1f} answers, then of {has:.1f}",
            has > had,
        )
    ]


def _tracked(place: Stand) -> Sequence[Check]:
    asked = 2 + LEARNS_FROM
    counted = place.metric("pointsman_requests_total")
    stored = wait_for(
        lambda: place.control("/decisions?limit=100")["count"] == asked, KEPT_WITHIN_S
    )
    decision = place.control("/decisions?limit=1")["decisions"][0]
    return [
        holds("tracking: requests counted", str(asked), f"{counted or 0:.0f}", counted == asked),
        holds(
            "tracking: decisions kept", str(asked), str(asked) if stored else "fewer", bool(stored)
        ),
        holds(
            "tracking: cost and latency of each",
            "both known",
            f"{decision['cost_usd']} USD, {decision['latency_ms'] or 0:.1f} ms",
            decision["cost_usd"] is not None and decision["latency_ms"] is not None,
        ),
    ]


def _alerted(place: Stand, listener: Listener) -> Sequence[Check]:
    """A model fails; the alert fires, and the page that is open hears of it and of the requests."""
    model = "swift-mini"
    place.order(model, Fault.SERVER_ERROR)
    began = time.monotonic()
    for _ in range(FAILING):
        _fails(place, f"{PROVIDER}/{model}")
    fired = wait_for(lambda: _firing(place), ALERT_WITHIN_S)
    took_s = time.monotonic() - began if fired else None
    told = listener.wait_for(lambda overview: bool(overview["marks"]), TOLD_WITHIN_S)
    told_s = None if told is None else max(0.0, told.at - began)
    counted = listener.wait_for(lambda overview: overview["now"]["requests"] > 0, TOLD_WITHIN_S)
    return [
        at_most("alert: seconds until a failing model is one", ALERT_WITHIN_S, took_s, "s"),
        at_most("dashboard event: seconds until it tells of the alert", TOLD_WITHIN_S, told_s, "s"),
        holds(
            "dashboard event: tells how many requests there were",
            "some",
            "none" if counted is None else str(counted.overview["now"]["requests"]),
            counted is not None,
        ),
    ]


def _fails(place: Stand, model: str) -> None:
    try:
        place.chat(model=model)
    except HTTPError as error:
        error.close()


def _firing(place: Stand) -> list[dict[str, Any]]:
    found = place.control("/alerts/active")["alerts"]
    return [each for each in found if each["state"] == "firing"]
