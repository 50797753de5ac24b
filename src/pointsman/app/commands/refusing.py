"""How does a command say that it cannot do what it was told?"""

from __future__ import annotations

import json
import sys
from typing import Any

from pointsman.core.errors import ConfigError

EXIT_WRONG_USE = 2


def refused(error: ConfigError, *, as_json: bool = False, **beside: Any) -> int:
    """Tell every problem, and return the exit status.

    Words for people go to standard error. JSON is for a program that reads our output, so it goes
    there; `beside` are further fields of it.
    """
    if as_json:
        print(json.dumps({**beside, **problems_of(error)}, indent=2))
    else:
        print(error, file=sys.stderr)
    return EXIT_WRONG_USE


def problems_of(error: ConfigError) -> dict[str, Any]:
    """The problems as JSON has them."""
    problems = [
        {
            "path": problem.path,
            "line": problem.line,
            "message": problem.message,
            "value": problem.value,
            "remedy": problem.remedy,
        }
        for problem in error.problems
    ]
    return {"source": error.source, "problems": problems}
