"""Which key was shown, what may its holder do, and for which agent does it speak?"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from types import FrameType
from typing import Any

import pytest

from pointsman.adapters.http.auth import ANYBODY, Key, KeyRing, Role, agent_of, require
from pointsman.core.errors import AccessDenied, RequestError, UnknownAgent
from pointsman.core.fleet import Agent, AgentStatus, Fleet

SECRET = b"pm-7d0e1f64aa"
CODER, TESTER, IDLE = Agent("coder"), Agent("tester"), Agent("idle", status=AgentStatus.OFFLINE)
FLEET = Fleet([CODER, TESTER, IDLE, Agent("größe")], [], "v1")
FREE = Key("free", b"")
BOUND = Key("bound", b"", agents=("tester", "coder"))


def ring() -> KeyRing:
    return KeyRing([Key("ci", sha256(SECRET).digest())])


@pytest.mark.parametrize(
    "headers",
    [
        {b"authorization": b"Bearer " + SECRET},
        {b"authorization": b"bearer  " + SECRET},
        {b"api-key": SECRET},
        {b"x-api-key": SECRET},
        {b"authorization": b"Basic dXNlcg==", b"x-api-key": SECRET},
    ],
    ids=str,
)
def test_a_key_is_known_wherever_it_is_shown(headers: dict[bytes, bytes]) -> None:
    assert ring().holder(headers).name == "ci"


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({}, "No API key was sent"),
        ({b"authorization": b"Bearer "}, "No API key was sent"),
        ({b"authorization": b"Basic " + SECRET}, "No API key was sent"),
        ({b"authorization": b"Bearer " + SECRET + b"x"}, "not known"),
        ({b"x-api-key": b"\xff\xfe"}, "not known"),
    ],
    ids=str,
)
def test_without_a_good_key_nobody_is_known(headers: dict[bytes, bytes], words: str) -> None:
    with pytest.raises(AccessDenied, match=words) as caught:
        ring().holder(headers)
    assert (caught.value.known, caught.value.code) == (False, "invalid_api_key")


def test_without_keys_everybody_may_do_everything() -> None:
    assert KeyRing().empty
    assert KeyRing().holder({}) is ANYBODY
    require(ANYBODY, Role.ADMIN)


def test_a_role_that_is_not_enough_is_told_what_would_be() -> None:
    require(FREE, Role.CALLER, Role.ADMIN)
    with pytest.raises(AccessDenied, match="viewer or admin") as caught:
        require(FREE, Role.VIEWER, Role.ADMIN)
    assert (caught.value.known, caught.value.code) == (True, "role_not_sufficient")


@pytest.mark.parametrize(
    ("key", "named", "hints", "agent_id"),
    [
        (FREE, {}, (), "default"),
        (BOUND, {}, (), "tester"),
        (FREE, {"model": "coder"}, ("tester",), "coder"),
        (BOUND, {"model": "coder"}, (), "coder"),
        (FREE, {}, ("ghost", "coder", "tester"), "coder"),
        (FREE, {}, ("ghost",), "default"),
        (BOUND, {}, ("größe", "coder"), "coder"),
        (FREE, {"pointsman.agent": "größe", "x-pointsman-agent": "größe"}, (), "größe"),
    ],
)
def test_the_agent_is_the_one_named_then_a_hint_then_the_keys_own(
    key: Key, named: dict[str, str], hints: tuple[str, ...], agent_id: str
) -> None:
    assert agent_of(key, named, hints, FLEET).id == agent_id


def test_two_places_that_name_different_agents_are_both_told() -> None:
    named = {"pointsman.agent": "coder", "model": "coder", "x-pointsman-agent": "tester"}
    with pytest.raises(RequestError) as caught:
        agent_of(FREE, named, (), FLEET)
    error = caught.value
    assert (error.param, error.code) == ("x-pointsman-agent", "conflicting_agents")
    for words in ("'pointsman.agent'", "'coder'", "'x-pointsman-agent'", "'tester'"):
        assert words in error.message


def test_an_agent_that_is_not_declared_is_told_where_it_stood() -> None:
    with pytest.raises(UnknownAgent, match="coder, tester") as caught:
        agent_of(FREE, {"pointsman.agent": "ghost"}, (), FLEET)
    assert (caught.value.param, caught.value.code) == ("pointsman.agent", "unknown_agent")


@pytest.mark.parametrize(
    ("key", "name", "code"),
    [
        (BOUND, "größe", "agent_not_allowed"),
        (BOUND, "ghost", "agent_not_allowed"),
        (FREE, "idle", "agent_not_online"),
    ],
)
def test_an_agent_may_be_out_of_reach(key: Key, name: str, code: str) -> None:
    with pytest.raises(AccessDenied) as caught:
        agent_of(key, {"model": name}, (), FLEET)
    assert (caught.value.known, caught.value.code) == (True, code)


def _way_of(secret: bytes) -> list[tuple[str, int]]:
    """The lines that are gone through, and how often, until a key is refused."""
    keys, way = ring(), []

    def seen(frame: FrameType, event: str, _more: object) -> Callable[..., Any]:
        way.append((f"{frame.f_code.co_name} {event}", frame.f_lineno))
        return seen

    before = sys.gettrace()
    gc.disable()  # who is told of a collection would be on the way now and then
    sys.settrace(seen)
    try:
        with suppress(AccessDenied):
            keys.holder({b"authorization": b"Bearer " + secret})
    finally:
        sys.settrace(before)
        gc.enable()
    return way


def test_a_key_that_is_nearly_right_is_refused_the_same_way_as_one_that_is_not() -> None:
    """How long a refusal takes says nothing of how much of a key was guessed."""
    near, far = SECRET[:-1] + b"X", b"X" * len(SECRET)
    assert _way_of(near) == _way_of(far) != _way_of(SECRET)
