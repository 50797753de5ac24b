"""Does a load test ask what it was told, when it was told, and count what came of it?"""

from __future__ import annotations

import json
from collections import Counter
from itertools import islice, pairwise
from pathlib import Path
from random import Random
from statistics import fmean, pstdev
from typing import Any
from xml.etree import ElementTree

import pytest

from pointsman.app.loadtest import measured as module
from pointsman.app.loadtest.arrivals import OpenLoop
from pointsman.app.loadtest.calling import Caller, Went
from pointsman.app.loadtest.measured import OTHERS, Measured
from pointsman.app.loadtest.page import page
from pointsman.app.loadtest.report import as_document, progress, table
from pointsman.app.loadtest.requests import AGENT_HEADER, Traffic, read_asks, usual_asks
from pointsman.core.errors import ConfigError

URL = "http://127.0.0.1:1"
PLAN = {"url": URL, "agents": {"coder": 2.0}, "rate_per_s": 5.0, "requests": None}


def went(due: float, took_s: float = 0.1, **changes: Any) -> Went:
    return Went(due, due, due + took_s)._replace(**changes)


# When


def test_even_gaps_are_alike_and_poisson_gaps_are_not() -> None:
    even = list(islice(OpenLoop(4, poisson=False).moments(Random(1)), 8))
    assert even == pytest.approx([0.25 * n for n in range(1, 9)])
    drawn = list(islice(OpenLoop(4).moments(Random(1)), 20_000))
    gaps = [later - earlier for earlier, later in pairwise(drawn)]
    assert fmean(gaps) == pytest.approx(0.25, rel=0.03)
    assert pstdev(gaps) == pytest.approx(0.25, rel=0.05), "as wide as the mean, as Poisson has it"
    assert list(islice(OpenLoop(4).moments(Random(1)), 50)) == drawn[:50]


# What


def test_the_same_seed_asks_the_same_and_shares_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "prompts.jsonl"
    file.write_text('{"prompt": "a", "agent": "own", "max_tokens": 3}\n\n{"prompt": "b"}\n')
    asks = read_asks(file)

    def drawn(seed: int) -> list[tuple[bytes, str]]:
        agents = {"coder": 3.0, "support": 1.0}
        fields = {"max_tokens": 9}
        traffic = Traffic(asks, Random(seed), agents=agents, streamed=0.25, fields=fields)
        found = [traffic.draw() for _ in range(4_000)]
        assert sum(each.streamed for each in found) == pytest.approx(1_000, rel=0.1)
        return [(each.body, each.headers.get(AGENT_HEADER, "")) for each in found]

    first = drawn(1)
    assert first == drawn(1) != drawn(2)
    bodies = [(json.loads(body), agent) for body, agent in first]
    for body, agent in bodies:
        assert body["model"] == "auto"
        asked = body["messages"][0]["content"]
        assert (body["max_tokens"], agent == "own") == ((3, True) if asked == "a" else (9, False))
        assert body.get("stream_options") == ({"include_usage": True} if "stream" in body else None)
    counts = Counter(agent for _, agent in bodies)
    assert counts["coder"] == pytest.approx(3 * counts["support"], rel=0.15)


def test_mistakes_in_the_prompts_are_all_told_with_their_lines(tmp_path: Path) -> None:
    file = tmp_path / "prompts.jsonl"
    file.write_text('{"prompt": ""}\nno\n{"prompt": "x", "answer": "y"}\n{"messages": []}\n')
    with pytest.raises(ConfigError) as caught:
        read_asks(file)
    assert [problem.line for problem in caught.value.problems] == [1, 2, 3, 4]
    assert "answer" in str(caught.value)


def test_without_a_file_something_is_asked() -> None:
    request = Traffic(usual_asks(), Random(1)).draw()
    assert json.loads(request.body)["messages"][0]["content"]
    assert request.headers == {}


@pytest.mark.parametrize("url", ["", "ftp://x", "http://", "http://a:b:c"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Caller(url, {}, 1.0)


# What came of it


def test_waiting_counts_from_when_a_request_was_due() -> None:
    measured = Measured(0.0)
    measured.began_one(3.0)
    measured.ended_one(went(1.0)._replace(sent=3.0, ended=3.5, first=3.2))
    times = measured.times
    assert (times.felt.sum, times.served.sum) == pytest.approx((2.5, 0.5))
    assert (times.first.sum, times.late.sum) == pytest.approx((2.2, 2.0))


def test_failures_count_and_do_not_make_a_server_look_fast() -> None:
    measured = Measured(0.0)
    for fault in ("", "status 500", "status 500", "reset"):
        measured.began_one(0.0)
        measured.ended_one(went(0.2, fault=fault, agent="a", model="" if fault else "m", tokens=7))
    assert measured.times.felt.count == 1
    document = as_document(measured, PLAN)
    assert document["faults"] == {"status 500": 2, "reset": 1}
    assert document["requests"]["success_rate"] == 0.25
    assert document["tokens"] == 7
    assert document["agents"]["a"]["failed"] == 3
    assert {name: share["requests"] for name, share in document["models"].items()} == {
        "none": 3,
        "m": 1,
    }
    assert document["seconds"] == [
        {"at_s": 0, "sent": 4, "ended": 4, "failed": 3, "under_way": 1, "p50": 100.0, "p99": 100.0}
    ]


def test_what_was_due_while_warming_up_is_left_out() -> None:
    measured = Measured(10.0, warm_up_s=2.0)
    for due in (11.0, 11.9, 12.0):
        measured.began_one(due)
        measured.ended_one(went(due))
    document = as_document(measured, PLAN)
    assert (document["requests"]["answered"], document["requests"]["warm_up"]) == (1, 2)


def test_names_that_never_end_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_NAMES", 3)
    measured = Measured(0.0)
    for number in range(10):
        measured.ended_one(went(0.0, agent=f"agent-{number}", fault=f"fault {number}"))
    assert set(measured.agents) == {"agent-0", "agent-1", "agent-2", OTHERS}
    assert measured.agents[OTHERS].requests == 7
    assert measured.faults[OTHERS] == 7
    assert sum(measured.faults.values()) == measured.failed == 10


def test_a_run_in_which_nothing_happened_is_told_too() -> None:
    measured = Measured(0.0)
    document = as_document(measured, PLAN)
    assert document["requests"]["success_rate"] is None
    assert document["latency_ms"]["felt"]["p99"] is None
    assert next(iter(table(measured))).startswith("0 answered, 0 failed")
    assert "0 answered" in page(document)
    assert "sent 0" in progress(measured, 0.0)


def long_run() -> Measured:
    measured = Measured(0.0)
    for tenth in range(13_000):
        if 3_000 < tenth < 4_000:
            continue
        measured.began_one(tenth / 10)
        fault = "<script>" if tenth % 100 == 0 else ""
        measured.ended_one(went(tenth / 10, agent="a<b", model="m & n", fault=fault))
    measured.missed_one()
    return measured


def test_the_page_shows_all_of_it_and_takes_nothing_for_markup() -> None:
    measured = long_run()
    text = page(as_document(measured, PLAN))
    closed = text.removeprefix("<!doctype html>").replace('charset="utf-8">', 'charset="utf-8"/>')
    root = ElementTree.fromstring(closed)
    assert root.tag == "html"
    assert len(list(root.iter("{http://www.w3.org/2000/svg}svg"))) == 3
    words = "".join(root.itertext())
    for shown in ("a<b", "m & n", "<script>", "1 not sent", "coder=2", "rate per s 5"):
        assert shown in words
    assert "http://" not in text.replace(URL, "").replace("http://www.w3.org/2000/svg", "")


def test_the_table_says_what_each_row_means() -> None:
    lines = "\n".join(table(long_run()))
    for shown in ("11880 answered, 121 failed, 1 not sent", "121 × <script>", "felt", "m & n"):
        assert shown in lines, lines
