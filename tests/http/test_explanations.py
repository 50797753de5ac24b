"""Is every decision explained as it was made, and one for show as it would be made?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from control_server import (
    BIG,
    NOON,
    SMALL,
    Client,
    a_decision,
    an_outcome,
    control_server,
    failed,
)

from pointsman.core.decision import (
    Candidate,
    Estimate,
    Feedback,
    Objection,
    ReasonCode,
    Rejection,
    Task,
    Term,
)

CHAT = {"model": "auto", "messages": [{"role": "user", "content": "Add two numbers."}]}
FULL = Objection(ReasonCode.AT_LIMIT, "8 of 8 calls in flight")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with control_server(tmp_path_factory.mktemp("first") / "pointsman.db") as client:
        yield client


@pytest.fixture
def client(served: Client, tmp_path: Path) -> Client:
    return served.with_store(tmp_path / "pointsman.db")


def expected(model_id: str, quality: float, latency_s: float) -> Candidate:
    """A candidate of the profile `posterior`, all of whose speed was measured."""
    swift = 0.5 / (0.5 + latency_s)
    terms = (
        Term("success", 0.6 * 0.9 * quality, "90.0% answer completely", 0.6),
        Term("speed", 0.25 * swift, "0.50 s are half the mark", 0.25),
        Term("cheapness", 0.15 * 0.5, "0.010000 USD expected", 0.15),
        Term("failures", -0.1 * (0.25 * swift + 0.075)),
    )
    estimate = Estimate(
        0.9 * quality, 0.9, quality, latency_s, 0.01, 1e9, 0.02, budget_s=0.5, timed=1e9
    )
    return Candidate(model_id, sum(term.value for term in terms), terms, estimate)


MEASURED: dict[str, Any] = {
    "candidates": (expected("acme/big/v2", 0.8, 0.5), expected("acme/small", 0.8, 1.0)),
    "rejections": (Rejection("acme/full", FULL, 0.1),),
    "band": 0.05,
    "session": None,
    "task": Task("coding", 1_000, stream=True),
}


def route(client: Client, query: str = "", **fields: Any) -> Any:
    status, body = client.call("POST", f"/route{query}", json.dumps(CHAT | fields).encode())
    assert status == 200, body
    return body


def test_what_was_expected_of_a_model_stands_beside_its_score(client: Client) -> None:
    client.router.store.append([a_decision(1, **MEASURED)])
    decision = client.get("/decisions/dec_000001")["decision"]
    assert decision["candidates"][0]["estimate"] == {
        "success": pytest.approx(0.72),
        "reliability": 0.9,
        "quality": 0.8,
        "latency_ms": 500.0,
        "latency_budget_ms": 500.0,
        "cost_usd": 0.01,
        "evidence": 1e9,
        "evidence_words": "about 1000000000 recent answers seen",
        "uncertainty": 2.0,
    }
    assert decision["weights"] == {"quality": 0.6, "latency": 0.25, "cost": 0.15}
    assert (decision["band"], decision["explored"]) == (5.0, False)
    assert [term["weight"] for term in decision["candidates"][0]["terms"]] == [60, 25, 15, 0]
    assert decision["reason"] == {
        "code": "best",
        "words": "its score was the best",
        "near_best": 2,
    }
    assert decision["rejections"][0]["score"] == 10.0
    assert (decision["task"]["stream"], decision["task"]["in_tool_loop"]) == (True, False)


def test_it_is_told_what_it_would_have_taken_for_the_runner_up(client: Client) -> None:
    client.router.store.append([a_decision(1, **MEASURED)])
    what_if = client.get("/decisions/dec_000001")["decision"]["counterfactual"]
    assert (what_if["model_id"], what_if["standing"]) == ("acme/small", "near")
    assert what_if["best_score"] > what_if["score"]
    latency = next(each for each in what_if["changes"] if each["quantity"] == "latency")
    assert (latency["unit"], latency["now"]) == ("ms", 1000.0)
    assert 498.0 < latency["needed"] < 500.0
    assert latency["change_percent"] == pytest.approx(-50.1, abs=0.2)
    assert latency["words"] == "its first token came within 0.499 s (1 s expected)"
    assert what_if["smallest"] == what_if["changes"][0]
    assert (
        what_if["words"] == f"acme/small would have gone first if {what_if['smallest']['words']}."
    )


def test_another_model_than_the_runner_up_can_be_asked_about(client: Client) -> None:
    client.router.store.append([a_decision(1, **MEASURED)])
    found = client.get("/decisions/dec_000001?against=acme/full")["decision"]["counterfactual"]
    assert (found["standing"], found["if_able"], found["changes"]) == ("out", None, [])
    assert found["rejection"]["code"] == "at_limit"
    assert "8 of 8 calls in flight" in found["words"]


@pytest.mark.parametrize(
    ("model_id", "words"),
    [("acme/big/v2", "is the model that was chosen"), ("acme/none", "was not there")],
)
def test_who_cannot_be_asked_about_is_told(client: Client, model_id: str, words: str) -> None:
    client.router.store.append([a_decision(1, **MEASURED)])
    status, error = client.refused("GET", f"/decisions/dec_000001?against={model_id}")
    assert (status, error["param"], error["code"]) == (400, "against", "invalid_value")
    assert words in error["message"]


def test_a_decision_of_an_older_configuration_is_explained_as_it_was_made(client: Client) -> None:
    client.router.store.append(
        [a_decision(1, **MEASURED), a_decision(2, **MEASURED, config_version="cfg_1")]
    )
    now, then = (client.get(f"/decisions/dec_{n:06d}")["decision"] for n in (1, 2))
    assert (now["config_is_current"], then["config_is_current"]) == (True, False)
    assert now["counterfactual"] == then["counterfactual"]


def test_a_decision_without_a_runner_up_has_no_counterfactual(client: Client) -> None:
    alone = {**MEASURED, "candidates": MEASURED["candidates"][:1], "rejections": ()}
    client.router.store.append([a_decision(1, **alone), a_decision(2, candidates=())])
    one, none = (client.get(f"/decisions/dec_{n:06d}")["decision"] for n in (1, 2))
    assert (one["counterfactual"], one["reason"]["code"]) == (None, "only")
    assert (none["counterfactual"], none["reason"]["code"]) == (None, "nobody")
    assert none["weights"] is None


def test_a_dry_run_explains_whom_it_would_choose_and_keeps_nothing(client: Client) -> None:
    body = route(client)
    decision = body["decision"]
    assert decision["agent_id"] == "default"
    assert {each["model_id"] for each in decision["candidates"]} == {BIG.id, SMALL.id}
    assert decision["decision_id"].endswith(body["seed"])
    assert (decision["outcomes"], decision["config_is_current"]) == ([], True)
    assert client.call("GET", f"/decisions/{decision['decision_id']}")[0] == 404
    assert client.get("/decisions")["decisions"] == []


def test_the_same_seed_draws_the_same(client: Client) -> None:
    def chosen(query: str) -> tuple[Any, ...]:
        decision = route(client, query)["decision"]
        return (decision["model_id"], decision["propensity"], decision["decision_id"][-16:])

    seeds = [f"{number:016x}" for number in range(20)]
    first = [chosen(f"?seed={seed}") for seed in seeds]
    assert first == [chosen(f"?seed={seed}") for seed in seeds]
    assert first == [chosen(f"?seed=dec_019ac3f2b7f{seed}") for seed in seeds]


def test_a_dry_run_speaks_for_the_agent_that_it_names(client: Client) -> None:
    by_body = route(client, pointsman={"agent": "builder"})["decision"]
    status, by_header = client.call(
        "POST", "/route", json.dumps(CHAT).encode(), **{"x-pointsman-agent": "builder"}
    )
    assert status == 200
    assert by_body["agent_id"] == by_header["decision"]["agent_id"] == "builder"
    assert by_body["reason"]["code"] == "nobody"  # it is pinned to one that cannot code


def test_a_dry_run_for_a_model_that_is_named_weighs_no_scores(client: Client) -> None:
    body: dict[str, Any] = {"model": BIG.id, "fallbacks": [SMALL.id]}
    decision = route(client, **body)["decision"]
    assert (decision["model_id"], decision["reason"]["code"]) == (BIG.id, "named")
    assert decision["band"] is None
    what_if = decision["counterfactual"]
    assert (what_if["model_id"], what_if["standing"]) == (SMALL.id, "not_asked")


def test_a_dry_run_says_when_no_model_can(client: Client) -> None:
    decision = route(client, model=BIG.id, pointsman={"requires": ["flight"]})["decision"]
    assert (decision["model_id"], decision["reason"]["code"]) == (None, "nobody")
    assert [each["code"] for each in decision["rejections"]] == [
        "missing_capability",
        "not_requested",
    ]


@pytest.mark.parametrize(
    ("query", "body", "param", "code"),
    [
        ("?seed=xyz", CHAT, "seed", "invalid_value"),
        ("?seed=12", CHAT, "seed", "invalid_value"),
        ("?sed=1", CHAT, "sed", "unknown_parameter"),
        ("?against=acme/none", CHAT, "against", "invalid_value"),
        ("", CHAT | {"messages": []}, "messages", "empty_array"),
        ("", {"messages": CHAT["messages"]}, "model", "invalid_request"),
        ("", CHAT | {"pointsman": {"agent": "nobody"}}, "pointsman.agent", "unknown_agent"),
    ],
)
def test_a_mistake_in_a_dry_run_is_named(
    client: Client, query: str, body: dict[str, Any], param: str, code: str
) -> None:
    status, error = client.refused("POST", f"/route{query}", json.dumps(body).encode())
    assert (status, error["param"], error["code"]) == (400, param, code)


def test_a_dry_run_takes_a_body_as_large_as_a_chat_request(client: Client) -> None:
    long = [{"role": "user", "content": "word " * 50_000}]
    decision = route(client, messages=long)["decision"]
    assert decision["task"]["prompt_tokens"] > 60_000
    assert [each["code"] for each in decision["rejections"]] == ["context_too_small"]
    assert decision["counterfactual"]["standing"] == "out"


def test_a_decision_is_made_again_as_things_are_now(client: Client) -> None:
    made = a_decision(1, id=f"dec_{1:011x}{77:016x}", agent_id="default", **MEASURED)
    client.router.store.append([made])
    status, body = client.call("POST", f"/decisions/{made.id}/again")
    assert status == 200
    assert body["seed"] == f"{77:016x}"
    assert body["decision"]["task"] == client.get(f"/decisions/{made.id}")["decision"]["task"]
    assert body["decision"]["agent_id"] == "default"
    assert {each["model_id"] for each in body["decision"]["candidates"]} <= {BIG.id, SMALL.id}


def test_it_can_be_supposed_that_something_else_counted(client: Client) -> None:
    measured = {**MEASURED, "task": Task(stream=True)}
    made = a_decision(1, id=f"dec_{1:011x}{77:016x}", agent_id="default", **measured)
    client.router.store.append([made])

    def again(query: str) -> Any:
        status, body = client.call("POST", f"/decisions/{made.id}/again{query}")
        assert status == 200, body
        return body["decision"]

    assert again("")["strategy"] == "balanced"
    dear, cheap = again("?strategy=quality"), again("?strategy=cost")
    assert (dear["strategy"], cheap["strategy"]) == ("quality", "cost")
    names = [term["name"] for term in cheap["candidates"][0]["terms"]]
    assert "cheapness" in names
    assert again("?strategy=fast&tradeoff=0.25")["strategy"] == "speed"
    for query, param in (("?strategy=best", "strategy"), ("?tradeoff=2", "tradeoff")):
        status, error = client.refused("POST", f"/decisions/{made.id}/again{query}")
        assert (status, error["param"]) == (400, param)


@pytest.mark.parametrize(
    ("changes", "param", "code", "status"),
    [
        ({"agent_id": "gone"}, "decision_id", "unknown_agent", 400),
        ({"asked_model": "gone"}, "model", "model_not_found", 404),
    ],
)
def test_what_means_nothing_any_more_cannot_be_decided_again(
    client: Client, changes: dict[str, Any], param: str, code: str, status: int
) -> None:
    made = a_decision(1, id=f"dec_{1:011x}{77:016x}", **MEASURED)._replace(**changes)
    client.router.store.append([made])
    answered, error = client.refused("POST", f"/decisions/{made.id}/again")
    assert (answered, error["param"], error["code"]) == (status, param, code)


def feedback(client: Client, body: object, role: str = "admin", number: int = 1) -> tuple[int, Any]:
    path = f"/decisions/dec_{number:06d}/feedback"
    return client.call("POST", path, json.dumps(body).encode(), role)


def test_what_is_said_of_an_answer_is_kept_with_its_decision(client: Client) -> None:
    client.router.store.append([a_decision(1), failed(1), an_outcome(1, 2, model_id="acme/small")])
    said = {"rating": 4, "success": True, "comment": "العاصمة عمّان"}
    status, body = feedback(client, said)
    kept = {"model_id": "acme/small", "timestamp": "2026-03-01T12:00:00Z", **said}
    assert (status, body) == (
        200,
        {"success": True, "decision_id": "dec_000001", "feedback": kept, "replaced": False},
    )
    assert client.get("/decisions/dec_000001")["decision"]["feedback"] == kept
    stored = client.router.store.decision("dec_000001")
    assert stored is not None
    assert stored.feedback == Feedback(
        "dec_000001",
        "builder",
        "acme/small",
        "coding",
        NOON,
        4,
        success=True,
        comment="العاصمة عمّان",
    )


def test_the_last_word_counts(client: Client) -> None:
    client.router.store.append([a_decision(1), an_outcome(1)])
    assert feedback(client, {"rating": 1})[1]["replaced"] is False
    status, body = feedback(client, {"success": True})
    assert (status, body["replaced"]) == (200, True)
    kept = client.get("/decisions/dec_000001")["decision"]["feedback"]
    assert (kept["rating"], kept["success"], kept["comment"]) == (None, True, "")


@pytest.mark.parametrize(
    ("body", "param", "words"),
    [
        ({}, "rating", "neither 'rating' nor 'success'"),
        ({"comment": "nice"}, "rating", "neither"),
        ({"rating": 0}, "rating", "0 is not from 1"),
        ({"rating": 6}, "rating", "6 is not from 1"),
        ({"rating": 2.5}, "rating", "int"),
        ({"success": "yes"}, "success", "bool"),
        ({"rating": 3, "comment": "x" * 2_001}, "comment", "2001 characters"),
        ({"rating": 3, "stars": 5}, "stars", "stars"),
    ],
)
def test_a_mistake_in_feedback_is_named(
    client: Client, body: object, param: str, words: str
) -> None:
    client.router.store.append([a_decision(1), an_outcome(1)])
    status, answer = feedback(client, body)
    assert status == 400
    assert param in answer["error"]["message"]
    assert words in answer["error"]["message"]
    assert client.get("/decisions/dec_000001")["decision"]["feedback"] is None


def test_where_nobody_has_answered_there_is_nothing_to_judge(client: Client) -> None:
    client.router.store.append(
        [a_decision(1), a_decision(2), failed(2), a_decision(3, candidates=())]
    )
    found = [feedback(client, {"rating": 3}, number=number) for number in (1, 2, 3, 4)]
    assert [(status, body["error"]["code"]) for status, body in found] == [
        (409, "not_answered_yet"),
        (409, "no_answer"),
        (409, "no_answer"),
        (404, "unknown_decision"),
    ]


@pytest.mark.parametrize(
    ("role", "status", "code"),
    [
        ("admin", 200, None),
        ("caller", 200, None),
        ("caller:builder", 200, None),
        ("caller:tester,builder", 200, None),
        ("caller:tester", 403, "agent_not_allowed"),
        ("viewer", 403, "role_not_sufficient"),
        ("", 401, "invalid_api_key"),
    ],
)
def test_callers_judge_the_answers_to_their_own_agents(
    client: Client, role: str, status: int, code: str | None
) -> None:
    client.router.store.append([a_decision(1), an_outcome(1)])
    answered, body = feedback(client, {"rating": 5}, role)
    assert answered == status
    assert body.get("error", {}).get("code") == code
    kept = client.get("/decisions/dec_000001")["decision"]["feedback"]
    assert (kept is not None) == (status == 200)


@pytest.mark.parametrize("path", ["/route", "/decisions/dec_000001/again"])
@pytest.mark.parametrize(
    ("role", "refused"), [("viewer", False), ("admin", False), ("caller", True)]
)
def test_viewers_may_ask_what_would_be_decided(
    client: Client, path: str, role: str, refused: bool
) -> None:
    client.router.store.append([a_decision(1)])
    status, _ = client.call("POST", path, json.dumps(CHAT).encode(), role)
    assert (status == 403) == refused
