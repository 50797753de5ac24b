"""Does every line of the threat model name tests that there are?"""

from __future__ import annotations

import pytest
from named_tests import first_words, holds, lines_of
from written import ROOT

LINES = lines_of("SECURITY.md", "threat")


def test_the_model_covers_what_a_gateway_is_attacked_by() -> None:
    text = "\n".join(LINES).lower()
    for threat in (
        *("smuggl", "slowloris", "yaml bomb", "decompression", "cardinality", "xss", "formula"),
        *("rebinding", "metadata", "redirect", "traversal", "log injection", "files 0600"),
    ):
        assert threat in text or threat in (ROOT / "SECURITY.md").read_text("utf-8").lower(), threat
    assert len(LINES) > 30


@pytest.mark.parametrize("line", LINES, ids=first_words)
def test_every_threat_names_tests_that_there_are(line: str) -> None:
    holds(line)
