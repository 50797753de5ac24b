"""Which scenarios are there, and how is one run to its end whatever happens in it?"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from pointsman.app.loadtest.validation import flow, learning, looking, storm, thousand
from pointsman.app.loadtest.validation.checks import Check, NotRun, Scenario, holds
from pointsman.app.loadtest.validation.chromium import NAMES, chromium
from pointsman.core.errors import PointsmanError

DASHBOARD = 5
NO_BROWSER = f"no Chromium was found on the path ({', '.join(NAMES)}); install one and try again"

Run = Callable[..., Sequence[Check]]


class Named(NamedTuple):
    """A scenario; `run` takes `short`, for one that shows the same in less time."""

    name: str
    run: Run


SCENARIOS: Mapping[int, Named] = {
    1: Named("a request all the way to the dashboard", flow.run),
    2: Named("a thousand decisions a minute", thousand.run),
    3: Named("a storm of alerts", storm.run),
    4: Named("a model degrades, a better one takes over", learning.run),
    DASHBOARD: Named("the dashboard under load", looking.run),
}


def carried_out(number: int, *, short: bool) -> Scenario:
    """One scenario. What it cannot do is a check that failed."""
    name, run = SCENARIOS[number]
    if number == DASHBOARD:
        browser = chromium()
        if browser is None:
            return Scenario(number, name, not_run=NO_BROWSER)
        run = partial(run, browser)
    began = time.monotonic()
    try:
        checks = run(short=short)
    except NotRun as reason:
        return Scenario(number, name, not_run=str(reason))
    except (PointsmanError, OSError, KeyError, ValueError) as error:
        # The gateway did not start, went away, refused or answered something else: that it all
        # works together is what was to be shown.
        checks = [holds("it runs to its end", "no error", repr(error), False)]
    return Scenario(number, name, checks, time.monotonic() - began)


def alerts_per_min(scenarios: Sequence[Scenario]) -> float | None:
    """What the storm reached, where it was run."""
    found = (check for each in scenarios for check in each.checks)
    return next((check.value for check in found if check.what == storm.PACE), None)
