"""Is the document that the dashboard's types are made from that of the server as it is?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pointsman.app.cli import main
from pointsman.app.commands.schema import openapi_text

DOCUMENT = Path(__file__).resolve().parents[2] / "ui" / "openapi.json"


def test_the_dashboards_types_are_made_from_the_api_as_it_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["schema", "--openapi"]) == 0
    printed = capsys.readouterr().out
    assert json.loads(printed)["openapi"].startswith("3.")
    stale = "out of date: run `python docs/generate.py`"
    assert DOCUMENT.read_text("utf-8") == printed, stale


def test_no_two_bodies_have_one_name() -> None:
    """They would get longer names in the document, and others than those that programs use."""
    names = json.loads(openapi_text())["components"]["schemas"]
    assert [name for name in names if "_" in name] == [], "give one of them a name of its own"


def test_a_call_tells_no_part_of_a_query_that_it_would_refuse() -> None:
    """An export has no pages, though its filters are those of a list that has."""
    paths = json.loads(openapi_text())["paths"]
    told = {
        path.rpartition("/model-router")[2]: {each["name"] for each in call["get"]["parameters"]}
        for path, call in paths.items()
        if path.endswith(("/decisions", "/export/{what}"))
    }
    assert told["/decisions"] - told["/export/{what}"] == {"limit", "cursor"}
    assert told["/export/{what}"] - told["/decisions"] == {"what", "format"}
