"""Scenario 3: when all breaks again and again, is each alert told once, and all of it kept?

Twice: with nothing but an alert for each model, of which each is to be told by itself; and with the
rules as they are shipped, where what explains the others hides them.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple
from urllib.error import HTTPError

from pointsman.adapters.providers.simulated.faults import Fault
from pointsman.app.loadtest.validation.checks import Check, at_least, at_most, holds
from pointsman.app.loadtest.validation.receiving import Receiver, receiving
from pointsman.app.loadtest.validation.stand import PROVIDER, Stand, stand, wait_for

WAVES = 3
SHORT_WAVES = 2
"""What comes and goes four times within an hour is one alert that flaps."""

IN_A_ROW = 4
"""Failures of each model in a wave; three in a row are an alert."""

HEALED_BY = 45
"""Answers after which fewer than one in ten has failed, which would be an alert as well."""

NOTICE_EVERY_S = 300
SEEN_WITHIN_S = 20.0
AT_ONCE = 4
ALERTS_PER_MIN = 10
PACE = "alerts per minute"
HISTORY = 500
BEGINS = frozenset({"firing", "relapsed"})

_SOON = {"keep_firing_for_s": 1}
_PATIENT = {"failures": 1_000, "ratio": 1.0, "window": 1_000}
"""No breaker: whoever fails is asked all the same."""

_OTHERS = ("low_success_rate", "rapid_failures", "high_latency", "no_models_available")
ALONE: Mapping[str, Any] = {
    **{name: {"enabled": False} for name in _OTHERS},
    "model_failure": _SOON,
}
SHIPPED: Mapping[str, Any] = {"model_failure": _SOON}


class Storm(NamedTuple):
    """What came of some waves: breaches that were seen to be alerts, how many of them the history
    has, how often each alert was told to fire, messages, minutes.
    """

    breaches: int
    kept: int
    told: Sequence[int]
    messages: int
    took_min: float


def run(*, short: bool = False) -> Sequence[Check]:
    waves = SHORT_WAVES if short else WAVES
    models, alone = _storm(ALONE, waves)
    _, shipped = _storm(SHIPPED, 1)
    return [
        at_least("models that became an alert", waves * models, alone.breaches, "breaches"),
        holds("all in the history", str(alone.breaches), str(alone.kept), _is_kept(alone)),
        holds(
            "alerts told", f"{models}, one a model", str(len(alone.told)), len(alone.told) == models
        ),
        at_most(
            f"notices of one alert in {NOTICE_EVERY_S} s",
            1,
            max(alone.told, default=None),
            "notice",
        ),
        at_least(PACE, ALERTS_PER_MIN, alone.breaches / alone.took_min, "a minute"),
        at_most(
            f"rules as shipped: messages for {shipped.kept} alerts at once",
            4,
            shipped.messages or None,
            "messages",
        ),
        at_most(
            f"rules as shipped: notices of one alert in {NOTICE_EVERY_S} s",
            1,
            max(shipped.told, default=None),
            "notice",
        ),
        holds(
            "rules as shipped: all in the history",
            f"≥ {shipped.breaches}",
            str(shipped.kept),
            shipped.kept >= shipped.breaches > 0,
        ),
    ]


def _is_kept(storm: Storm) -> bool:
    return storm.kept == storm.breaches > 0


def _storm(rules: Mapping[str, Any], waves: int) -> tuple[int, Storm]:
    """How many models there are, and what came of their failing so many times."""
    with receiving() as receiver, stand(**_sections(receiver, rules)) as place:
        models = [f"{PROVIDER}/{name}" for name in place.models.personas]
        began = time.monotonic()
        breaches = _breach(place, models)
        for _ in range(waves - 1):
            _heal(place, models)
            breaches += _breach(place, models)
        took_min = (time.monotonic() - began) / 60
        # What is told is told behind; then nothing more comes for `NOTICE_EVERY_S`.
        wait_for(lambda: len(receiver.fired()) >= len(models), SEEN_WITHIN_S / 4)
        told = list(receiver.fired().values())
        return len(models), Storm(breaches, _begun(place), told, len(receiver.bodies), took_min)


def _sections(receiver: Receiver, rules: Mapping[str, Any]) -> dict[str, Any]:
    hook = {"type": "webhook", "url": receiver.url, "allow_private": True, "burst": 100}
    return {
        "routing": {"attempts_per_model": 1, "breaker": _PATIENT},
        "alerts": {
            "interval_s": 1,
            "channels": {"hook": hook},
            # Each alert is told by itself, and no more often than this.
            "group": {"by": ["alertname", "model"], "interval_s": NOTICE_EVERY_S},
            "rules": dict(rules),
        },
    }


def _breach(place: Stand, models: Sequence[str]) -> int:
    """Every model fails until it is an alert; how many are that were none before."""
    before = _open(place, {"firing"})
    for model in models:
        place.order(model.partition("/")[2], Fault.SERVER_ERROR)
    _ask_each(place, models, IN_A_ROW)
    wait_for(lambda: _open(place, {"firing"}) >= len(models), SEEN_WITHIN_S)
    return _open(place, {"firing"}) - before


def _heal(place: Stand, models: Sequence[str]) -> None:
    """Every model answers until it is no alert any more."""
    place.heal()
    _ask_each(place, models, HEALED_BY)
    wait_for(lambda: not _open(place, {"firing", "recovering"}), SEEN_WITHIN_S)


def _ask_each(place: Stand, models: Sequence[str], times: int) -> None:
    """Each model so many times in a row."""

    def ask(model: str) -> None:
        for _ in range(times):
            try:
                place.chat(model=model)
            except HTTPError as error:
                error.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(ask, models))


def _open(place: Stand, states: set[str]) -> int:
    """How many alerts about a model's failures are in one of these states."""
    found = place.control("/alerts/active?limit=500&alert_type=MODEL_FAILURE")["alerts"]
    return sum(each["state"] in states for each in found)


def _begun(place: Stand) -> int:
    """How often an alert began to fire, by the history."""
    events = place.control(f"/alerts/history?limit={HISTORY}")["events"]
    return sum(each["step"] in BEGINS for each in events)
