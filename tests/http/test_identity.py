"""Is everything that headers say of a sender read, in any spelling, and nothing else?"""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.adapters.http.asking import Sender
from pointsman.adapters.http.auth import ANYBODY
from pointsman.adapters.http.identity import (
    BORROWED_AGENT_HEADERS,
    OUR_HEADERS,
    SESSION_HEADERS,
    request_id_of,
    sender_of,
)
from pointsman.core.decision import Strategy
from pointsman.core.errors import RequestError

HEADERS = st.dictionaries(
    st.sampled_from([b"x-pointsman-agent", *BORROWED_AGENT_HEADERS, *SESSION_HEADERS]),
    st.binary(max_size=40),
)


def test_the_callers_own_request_id_is_kept() -> None:
    assert request_id_of({b"x-request-id": b"mine-1"}, Random(1)) == "mine-1"


@pytest.mark.parametrize("given", [b"", b"a b", b"a\r\nb", b"x" * 129, "größe".encode()])
def test_a_request_id_that_could_forge_something_is_replaced(given: bytes) -> None:
    made = request_id_of({b"x-request-id": given}, Random(1))
    assert made[-13:] == request_id_of({}, Random(1))[-13:]
    assert made.startswith("req_")


def test_new_request_ids_are_of_one_length_and_rise_with_time() -> None:
    random = Random(1)
    made = [request_id_of({}, random) for _ in range(100)]
    assert {len(each) for each in made} == {28}
    assert [each[:15] for each in made] == sorted(each[:15] for each in made)
    assert len(set(made)) == 100


def test_headers_that_say_nothing_leave_the_key_alone() -> None:
    assert sender_of(ANYBODY, {b"accept": b"*/*"}) == Sender(ANYBODY)


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_a_name_is_read_in_utf_8_or_else_latin_1(encoding: str) -> None:
    name = " größe ".encode(encoding)
    sender = sender_of(
        ANYBODY, {b"x-pointsman-agent": name, b"x-session-id": name, b"x-litellm-agent-id": name}
    )
    assert (sender.agent, sender.session, sender.hints) == ("größe", "größe", ("größe",))
    assert sender.agent_place == "x-pointsman-agent"


def test_names_of_other_ecosystems_are_hints_in_a_fixed_order() -> None:
    headers = {b"x-switchyard-agent-id": b"s", b"x-litellm-agent-id": b"l"}
    assert sender_of(ANYBODY, headers).hints == ("l", "s")
    assert sender_of(ANYBODY, headers).agent is None


def test_the_first_session_header_that_says_something_counts() -> None:
    headers = {b"x-session-id": b" ", b"x-litellm-session-id": b"l", b"x-conversation-id": b"c"}
    assert sender_of(ANYBODY, headers).session == "c"


@given(HEADERS)
def test_no_bytes_in_a_header_are_too_odd(headers: dict[bytes, bytes]) -> None:
    sender = sender_of(ANYBODY, headers)
    assert sender.agent is None or sender.agent.strip()
    assert all(sender.hints)


def test_a_deadline_is_read_in_milliseconds() -> None:
    assert sender_of(ANYBODY, {b"x-pointsman-deadline-ms": b" 1500 "}).deadline_s == 1.5


@pytest.mark.parametrize("given", ["abc", "", "0", "-3", "nan", "inf", "86400000", "größe"])
def test_a_deadline_that_is_none_is_told_as_it_was_sent(given: str) -> None:
    with pytest.raises(RequestError) as caught:
        sender_of(ANYBODY, {b"x-pointsman-deadline-ms": given.encode()})
    assert f"not {given!r}" in caught.value.message
    assert (caught.value.param, caught.value.code) == ("x-pointsman-deadline-ms", "invalid_value")


def test_what_counts_may_be_said_in_headers() -> None:
    headers = {
        b"x-pointsman-strategy": b"fast",
        b"x-pointsman-tradeoff": b" 0.256 ",
        b"x-pointsman-task-type": b"coding",
        b"x-pointsman-max-cost-usd": b" 0.05",
    }
    sender = sender_of(ANYBODY, headers)
    assert sender.max_cost_usd == 0.05
    assert (sender.strategy, sender.tradeoff, sender.task_type) == (Strategy.SPEED, 0.26, "coding")
    nothing = sender_of(ANYBODY, {b"x-pointsman-task-type": b" ", b"x-session-id": b"s"})
    assert (nothing.strategy, nothing.tradeoff, nothing.task_type) == (None, None, None)


@pytest.mark.parametrize(
    ("header", "given", "remedy"),
    [
        ("x-pointsman-strategy", "cheapest", "one of quality, cost"),
        ("x-pointsman-strategy", "", "one of quality, cost"),
        ("x-pointsman-tradeoff", "cheap", "from 0 .* to 1"),
        ("x-pointsman-tradeoff", "1.5", "from 0 .* to 1"),
        ("x-pointsman-tradeoff", "nan", "from 0 .* to 1"),
        ("x-pointsman-task-type", "x" * 65, "up to 64"),
        ("x-pointsman-max-cost-usd", "free", "US dollars above 0"),
        ("x-pointsman-max-cost-usd", "0", "US dollars above 0"),
        ("x-pointsman-max-cost-usd", "inf", "US dollars above 0"),
    ],
)
def test_a_wish_that_is_none_is_refused_with_its_header_value_and_remedy(
    header: str, given: str, remedy: str
) -> None:
    with pytest.raises(RequestError, match=remedy) as caught:
        sender_of(ANYBODY, {header.encode(): given.encode()})
    assert (caught.value.param, caught.value.code) == (header, "invalid_value")
    assert given[:30] in caught.value.message


def test_a_long_deadline_is_shown_in_part() -> None:
    with pytest.raises(RequestError) as caught:
        sender_of(ANYBODY, {b"x-pointsman-deadline-ms": b"9" * 500})
    assert len(caught.value.message) < 200


@pytest.mark.parametrize(
    ("given", "near"),
    [
        ("x-pointsman-agnet", "x-pointsman-agent"),
        ("x-pointsman-agents", "x-pointsman-agent"),
        ("x-pointsman-max-cost", "x-pointsman-max-cost-usd"),
        ("x-pointsman-deadline", "x-pointsman-deadline-ms"),
        ("x-pointsman-deadline_ms", "x-pointsman-deadline-ms"),
        ("x-pointsman-tasktype", "x-pointsman-task-type"),
    ],
)
def test_a_misspelt_header_of_ours_is_named_with_what_was_meant(given: str, near: str) -> None:
    with pytest.raises(RequestError) as caught:
        sender_of(ANYBODY, {b"accept": b"*/*", given.encode(): b"value-of-it"})
    error = caught.value
    assert (error.param, error.code) == (given, "unknown_header")
    assert error.message.startswith(f"{given!r} is no header of ours. Did you mean {near!r}?")
    assert "value-of-it" not in error.message


def test_what_was_meant_by_a_long_name_is_not_guessed_at_length() -> None:
    with pytest.raises(RequestError) as caught:
        sender_of(ANYBODY, {b"x-pointsman-" + b"z" * 30_000: b""})
    assert len(caught.value.message) < 400
    assert len(caught.value.param or "") <= 40
    for known in OUR_HEADERS:
        assert known.decode() in caught.value.message


@pytest.mark.parametrize("header", [b"x-pointsmanagent", b"x-points-man-agent", b"pointsman-agent"])
def test_headers_of_others_are_theirs(header: bytes) -> None:
    assert sender_of(ANYBODY, {header: b"coder"}) == Sender(ANYBODY)


def test_every_header_of_ours_is_known_to_be() -> None:
    values = {b"x-pointsman-strategy": b"cost"}
    for header in OUR_HEADERS:
        assert sender_of(ANYBODY, {header: values.get(header, b"0.5")}) != Sender(ANYBODY)


@pytest.mark.parametrize("given", ["0_5", "٠.٥", "0,5", "0x1", "", "nan", "1e", "５"])
@pytest.mark.parametrize("header", ["deadline-ms", "tradeoff", "max-cost-usd"])
def test_a_number_is_one_for_every_program(header: str, given: str) -> None:
    name = f"x-pointsman-{header}"
    with pytest.raises(RequestError) as caught:
        sender_of(ANYBODY, {name.encode(): given.encode()})
    assert (caught.value.param, caught.value.code) == (name, "invalid_value")
