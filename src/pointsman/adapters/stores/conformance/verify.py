"""How are all checks run on one database, whatever one of them meets?"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from typing import NamedTuple

from pointsman.adapters.stores.conformance.checks import CHECKS, Check
from pointsman.adapters.stores.conformance.scratch import Scratch, scratch_of


class Finding(NamedTuple):
    """What came of one check: `words` say what was seen instead, empty when the promise holds."""

    promise: str
    holds: bool
    seconds: float
    words: str = ""


class Verification:
    """All checks on a scratch place in the database at `url`; leave it to have that removed.

    Raises `ValueError` for a URL that is none, and `StoreError` when the place cannot be made.
    """

    def __init__(self, url: str) -> None:
        self._scratch = scratch_of(url, secrets.token_hex(4))
        self.name = self._scratch.name

    def findings(self) -> Iterator[Finding]:
        for check in CHECKS:
            yield _found(check, self._scratch)

    def close(self) -> None:
        """Remove the scratch place. Raises `StoreError` where it has to be removed by hand."""
        self._scratch.remove()


def _found(check: Check, scratch: Scratch) -> Finding:
    began = time.perf_counter()
    words = ""
    try:
        check.examine(scratch)
    except AssertionError as error:
        words = str(error) or "not as promised"
    # Here a check begins: whatever a database that nobody has tried yet does is a finding.
    except Exception as error:  # noqa: BLE001 - and must not end the others
        words = f"{type(error).__name__}: {error}"
    return Finding(check.promise, not words, time.perf_counter() - began, words)
