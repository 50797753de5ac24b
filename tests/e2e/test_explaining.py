"""Is every decision of a real gateway explained, for good, and can its answer be judged?"""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fleets import fleet, model
from gateway_process import CONTROL, Answer, GatewayProcess, Serve, chat_body, pointsman, wait_until
from simulated_upstream import SimulatedUpstream

KEYS = [
    {"name": "ops", "key": "pm-ops-8f1c7b2e5d9a4036", "role": "admin"},
    {"name": "looks", "key": "pm-looks-8f1c7b2e5d9a4036", "role": "viewer"},
    {"name": "coder", "key": "pm-coder-8f1c7b2e5d9a4036", "agents": ["coder"]},
    {"name": "tester", "key": "pm-tester-8f1c7b2e5d9a4036", "agents": ["tester"]},
]


def shown(name: str) -> dict[str, str]:
    return {"authorization": f"Bearer pm-{name}-8f1c7b2e5d9a4036"}


def id_of(answer: Answer) -> str:
    return answer.headers["x-pointsman-decision"]


def is_explained(decision: dict[str, Any]) -> bool:
    """What must stand in every explanation, whatever became of the request."""
    for candidate in decision["candidates"]:
        total = sum(term["value"] for term in candidate["terms"])
        assert total == pytest.approx(candidate["score"], abs=1e-9)
    for rejection in decision["rejections"]:
        assert rejection["code"]
        assert rejection["words"]
    assert decision["reason"]["words"]
    assert 0.0 < decision["propensity"] <= 1.0
    if len(decision["candidates"]) > 1:
        assert decision["counterfactual"]["words"]
    return bool(decision["config_version"])


def test_requests_of_every_kind_and_fate_are_explained(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    gateway = serve(fleet(upstream.url, agents={"coder": {"requires": ["coding"]}}))
    upstream.order("first", "server_error", count=1)
    fell_back = gateway.chat()
    answers = [
        fell_back,
        gateway.chat(stream=True),
        gateway.chat(model="up/second"),
        gateway.chat(model="agent/coder"),
        gateway.chat({"x-session-id": "s1"}),
        gateway.chat(model="up/first", fallbacks=["up/third"]),
        gateway.chat(pointsman={"requires": ["flight"]}),
    ]
    for answer in answers:
        assert is_explained(gateway.decision(id_of(answer)))
    first = gateway.decision(id_of(fell_back))
    failed, served = first["outcomes"]
    assert (failed["failure"], failed["blames"]) == ("server_error", "endpoint")
    assert (served["successful"], served["cost_state"]) == (True, "known")
    assert gateway.decision(id_of(answers[-1]))["reason"]["code"] == "nobody"


@pytest.mark.parametrize("stream", [False, True])
def test_who_wants_it_has_the_explanation_with_the_answer(
    serve: Serve, upstream: SimulatedUpstream, *, stream: bool
) -> None:
    gateway = serve(fleet(upstream.url))
    upstream.order("first", "server_error", count=1)
    answer = gateway.chat(stream=stream, pointsman={"explain": True})
    if stream:
        *chunks, last, done = answer.body.decode().split("\n\n")[:-1]
        assert done == "data: [DONE]"
        assert all('"pointsman"' not in chunk and '"usage"' not in chunk for chunk in chunks)
        document = json.loads(last.removeprefix("data: "))
        assert document["choices"] == []
        assert "usage" not in document
    else:
        document = answer.document
        assert document["choices"][0]["message"]["content"]
    told = document["pointsman"]
    assert told["decision"] == id_of(answer)
    assert told["cost_usd"] > 0.0
    assert is_explained(told["explanation"])
    assert told["explanation"] == gateway.decision(id_of(answer))
    assert "explain" not in json.loads(upstream.last_body).get("pointsman", {})


def test_one_last_chunk_has_both_usage_and_explanation(gateway: GatewayProcess) -> None:
    options = {"include_usage": True}
    answer = gateway.chat(stream=True, stream_options=options, pointsman={"explain": True})
    *chunks, last, _ = answer.body.decode().split("\n\n")[:-1]
    assert all('"usage":null' in chunk for chunk in chunks)
    document = json.loads(last.removeprefix("data: "))
    assert document["usage"]["completion_tokens"] > 0
    assert is_explained(document["pointsman"]["explanation"])


def test_what_a_request_may_cost_decides_who_may_serve_it(gateway: GatewayProcess) -> None:
    plain = gateway.chat()
    spent = gateway.decision(id_of(plain))["cost_usd"]
    refused = gateway.chat(pointsman={"max_cost_usd": 1e-9})
    assert refused.status == 400
    error = refused.document["error"]
    assert (error["code"], error["param"]) == ("max_cost_exceeded", "pointsman.max_cost_usd")
    made = gateway.decision(id_of(refused)) if "x-pointsman-decision" in refused.headers else None
    assert made is None or {r["code"] for r in made["rejections"]} == {"too_expensive"}
    by_header = gateway.chat({"x-pointsman-max-cost-usd": "0.000000001"})
    assert by_header.document["error"]["code"] == "max_cost_exceeded"
    assert gateway.chat(pointsman={"max_cost_usd": 100 * spent + 1.0}).status == 200


def test_an_explanation_outlives_restarts_and_other_configurations(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    config = fleet(upstream.url)
    gateway = serve(config)
    made = [id_of(gateway.chat(stream=number % 2 == 0)) for number in range(6)]
    before = [gateway.decision(decision_id) for decision_id in made]
    assert all(decision["config_is_current"] for decision in before)
    assert gateway.terminate() == 0
    config["models"]["up/fourth"] = model(0.99)
    del config["models"]["up/second"]
    gateway.configure(config)
    gateway.start()
    after = [gateway.decision(decision_id) for decision_id in made]
    assert after == [{**decision, "config_is_current": False} for decision in before]


def test_a_dry_run_drawn_as_a_live_decision_chooses_the_same(gateway: GatewayProcess) -> None:
    bodies = [
        chat_body(),
        chat_body(stream=True),
        chat_body(model="auto:cost"),
        chat_body(pointsman={"agent": "coder", "session": "s-dry"}),
        chat_body(model="up/third", fallbacks=["up/first"]),
    ]
    for body in bodies:
        live = gateway.call("POST", "/v1/chat/completions", body)
        path = f"{CONTROL}/route?seed={id_of(live)}"
        dry = gateway.call("POST", path, body).document["decision"]
        made = gateway.decision(id_of(live))
        assert dry["model_id"] == made["model_id"]
        assert dry["task"] == made["task"]
        assert dry["decision_id"][-16:] == made["decision_id"][-16:]
        assert is_explained(dry)


def test_a_dry_run_calls_nobody_and_leaves_nothing(
    gateway: GatewayProcess, upstream: SimulatedUpstream
) -> None:
    before = gateway.control("/decisions?limit=1")["decisions"]
    for _ in range(3):
        assert gateway.call("POST", f"{CONTROL}/route", chat_body()).status == 200
    assert upstream.models_called == []
    assert gateway.control("/decisions?limit=1")["decisions"] == before


def test_a_model_that_a_rule_keeps_out_is_asked_about(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    gateway = serve(fleet(upstream.url, agents={"strict": {"deny": ["up/first"]}}))
    path = f"{CONTROL}/route?against=up/first"
    body = chat_body(pointsman={"agent": "strict"})
    decision = gateway.call("POST", path, body).document["decision"]
    assert decision["model_id"] == "up/second"
    what_if = decision["counterfactual"]
    assert (what_if["standing"], what_if["if_able"]) == ("out", "wins")
    assert what_if["rejection"]["code"] == "not_allowed"
    assert "Had it been able, it would have gone first." in what_if["words"]


def test_a_recorded_request_is_decided_again_with_todays_configuration(
    serve: Serve, upstream: SimulatedUpstream
) -> None:
    config = fleet(upstream.url)
    gateway = serve(config)
    made = id_of(gateway.chat())
    again = f"{CONTROL}/decisions/{made}/again"
    same = gateway.call("POST", again).document["decision"]
    assert same["model_id"] == gateway.decision(made)["model_id"] == "up/first"
    del config["models"]["up/first"]
    gateway.configure(config)
    gateway.reload()
    other = gateway.call("POST", again).document["decision"]
    assert other["model_id"] == "up/second"
    assert other["config_is_current"]


def test_a_recorded_request_can_be_weighed_otherwise(gateway: GatewayProcess) -> None:
    made = id_of(gateway.chat())
    path = f"{CONTROL}/decisions/{made}/again"
    good = gateway.call("POST", f"{path}?strategy=balanced&tradeoff=1").document["decision"]
    cheap = gateway.call("POST", f"{path}?strategy=balanced&tradeoff=0").document["decision"]
    assert good["weights"] == {"quality": 0.75, "latency": 0.25, "cost": 0.0}
    assert cheap["weights"] == {"quality": 0.0, "latency": 0.25, "cost": 0.75}
    assert is_explained(good)
    assert is_explained(cheap)


def test_an_answer_can_be_judged_at_once_and_anew(gateway: GatewayProcess) -> None:
    for stream in (False, True):
        made = id_of(gateway.chat(stream=stream))
        path = f"{CONTROL}/decisions/{made}/feedback"
        first = gateway.call("POST", path, {"rating": 2, "comment": "too long"})
        assert (first.status, first.document["replaced"]) == (200, False)
        second = gateway.call("POST", path, {"rating": 5, "success": True})
        assert (second.status, second.document["replaced"]) == (200, True)
        kept = gateway.decision(made)["feedback"]
        assert (kept["rating"], kept["success"], kept["comment"]) == (5, True, "")
        assert kept["model_id"] == gateway.decision(made)["served_model_id"]


def test_of_many_who_judge_at_once_each_knows_of_the_one_before(gateway: GatewayProcess) -> None:
    path = f"{CONTROL}/decisions/{id_of(gateway.chat())}/feedback"

    def judge(rating: int) -> dict[str, Any]:
        answer = gateway.call("POST", path, {"rating": rating})
        assert answer.status == 200, answer
        return answer.document

    with ThreadPoolExecutor(4) as threads:
        said = list(threads.map(judge, [1, 2, 3, 4, 5, 1, 2, 3]))
    assert [each["replaced"] for each in said].count(False) == 1


def test_what_is_said_teaches_once(serve: Serve, upstream: SimulatedUpstream) -> None:
    gateway = serve(fleet(upstream.url))
    made = [id_of(gateway.chat(model="up/first")) for _ in range(4)]

    def quality() -> float:
        candidates = gateway.call("POST", f"{CONTROL}/route", chat_body()).document["decision"][
            "candidates"
        ]
        found = next(each for each in candidates if each["model_id"] == "up/first")
        return float(found["estimate"]["quality"])

    def say(rating: int) -> None:
        for decision_id in made:
            path = f"{CONTROL}/decisions/{decision_id}/feedback"
            assert gateway.call("POST", path, {"rating": rating}).status == 200

    declared = quality()
    say(1)
    poor = wait_until(lambda: (now := quality()) < declared and now, what="the lesson")
    say(1)
    time.sleep(0.2)  # scores take news in ten times a second
    assert quality() == pytest.approx(poor, abs=0.01)
    say(5)
    wait_until(lambda: quality() > poor + 0.05, what="the better word")


def test_what_was_said_outlives_a_restart(serve: Serve, upstream: SimulatedUpstream) -> None:
    gateway = serve(fleet(upstream.url))
    made = id_of(gateway.chat())
    path = f"{CONTROL}/decisions/{made}/feedback"
    assert gateway.call("POST", path, {"success": False}).status == 200
    before = gateway.decision(made)
    assert gateway.terminate() == 0
    gateway.start()
    assert gateway.decision(made) == before
    assert before["feedback"]["success"] is False


def test_who_may_judge_and_who_may_look(serve: Serve, upstream: SimulatedUpstream) -> None:
    gateway = serve(fleet(upstream.url, keys=KEYS, agents={"coder": {}, "tester": {}}))
    made = id_of(gateway.chat(shown("coder")))
    path = f"{CONTROL}/decisions/{made}/feedback"
    statuses = {
        name: gateway.call("POST", path, {"rating": 4}, shown(name)).status
        for name in ("coder", "tester", "looks", "ops")
    }
    assert statuses == {"coder": 200, "tester": 403, "looks": 403, "ops": 200}
    assert gateway.call("POST", path, {"rating": 4}).status == 401
    dry = {
        name: gateway.call("POST", f"{CONTROL}/route", chat_body(), shown(name)).status
        for name in ("coder", "looks", "ops")
    }
    assert dry == {"coder": 403, "looks": 200, "ops": 200}
    error = gateway.call("POST", path.replace(made, "dec_none"), {"rating": 4}, shown("ops")).error
    assert error["code"] == "unknown_decision"


def test_the_command_line_tells_why(gateway: GatewayProcess, tmp_path: Path) -> None:
    made = id_of(gateway.chat(pointsman={"agent": "coder"}))
    environ = {"POINTSMAN_URL": gateway.url}
    told = pointsman("explain", made, cwd=tmp_path, environ=environ)
    assert told.returncode == 0, told.stderr
    assert "Chose up/first" in told.stdout
    assert "Attempts" in told.stdout
    last = pointsman("explain", "--last", "--agent", "coder", cwd=tmp_path, environ=environ)
    assert last.stdout == told.stdout
    as_json = pointsman("explain", made, "--json", "--url", gateway.url, cwd=tmp_path)
    assert json.loads(as_json.stdout)["decision"] == gateway.decision(made)


def test_the_command_line_tells_what_would_be_chosen(
    gateway: GatewayProcess, upstream: SimulatedUpstream, tmp_path: Path
) -> None:
    request = tmp_path / "request.json"
    request.write_text(json.dumps(chat_body(model="up/third")))
    prompt = tmp_path / "prompt.txt"
    prompt.write_text("Where is the capital of Jordan?")
    environ = {"POINTSMAN_URL": f"{gateway.url}/"}
    asked = [
        pointsman("route", *words, cwd=tmp_path, environ=environ)
        for words in (["Hello"], ["prompt.txt", "--agent", "coder"], ["request.json", "--stream"])
    ]
    assert [told.returncode for told in asked] == [0, 0, 0], [told.stderr for told in asked]
    chosen = [told.stdout.partition("Would choose ")[2].partition(":")[0] for told in asked]
    assert chosen == ["up/first", "up/first", "up/third"]
    assert "agent coder" in asked[1].stdout
    assert "streamed" in asked[2].stdout
    assert upstream.models_called == []


@pytest.mark.parametrize(
    ("arguments", "environ", "words"),
    [
        (["explain", "--last", "--url", "http://127.0.0.1:9"], {}, "no gateway answers"),
        (["explain", "--last", "--url", "nonsense"], {}, "is no address"),
        (["route", "hello"], {"POINTSMAN_URL": "http://127.0.0.1:99999"}, "is no address"),
        (["explain", "dec_none"], {}, "No decision is called 'dec_none'"),
        (["explain", "--last", "--agent", "nobody"], {}, "nothing was decided yet"),
        (["route", "hello", "--agent", "nobody"], {}, "'nobody' is not declared"),
        (["route", "hello", "--seed", "7"], {}, "  seed: Expected"),
    ],
)
def test_the_command_line_says_what_is_wrong(
    gateway: GatewayProcess,
    tmp_path: Path,
    arguments: list[str],
    environ: dict[str, str],
    words: str,
) -> None:
    told = pointsman(*arguments, cwd=tmp_path, environ={"POINTSMAN_URL": gateway.url, **environ})
    assert (told.returncode, told.stdout) == (1, "")
    assert words in told.stderr


def test_the_command_line_shows_a_key(
    serve: Serve, upstream: SimulatedUpstream, tmp_path: Path
) -> None:
    gateway = serve(fleet(upstream.url, keys=KEYS, agents={"coder": {}, "tester": {}}))
    asks = ("route", "hello", "--url", gateway.url)
    refused = {
        key: pointsman(*asks, cwd=tmp_path, environ={"POINTSMAN_API_KEY": key}).stderr
        for key in ("", "pm-wrong", shown("coder")["authorization"].split()[1])
    }
    assert all("set POINTSMAN_API_KEY to a key" in words for words in refused.values()), refused
    viewer = {"POINTSMAN_API_KEY": shown("looks")["authorization"].split()[1]}
    assert pointsman(*asks, cwd=tmp_path, environ=viewer).returncode == 0
