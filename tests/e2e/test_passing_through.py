"""Does what the caller sends reach the upstream as it was written, but for the model's name?"""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from fleets import fleet
from gateway_process import GatewayProcess, Serve
from hypothesis import given, settings
from hypothesis import strategies as st
from knowing_upstream import knowing_upstream
from simulated_upstream import SimulatedUpstream

OURS = frozenset({"model", "stream_options", "pointsman", "models", "fallbacks"})
READ = frozenset(
    {
        *("messages", "stream", "max_tokens", "max_completion_tokens", "tools", "functions"),
        *("response_format", "reasoning_effort", "prompt_cache_key", "metadata", "n", "stop"),
        *("tool_choice", "parallel_tool_calls"),
    }
)
"""Fields that have a meaning here or for the simulated upstream, so they cannot be anything."""

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
NAMES = st.text(min_size=1, max_size=20).filter(lambda name: name not in OURS | READ)

_RAW = msgspec.json.Decoder(dict[str, msgspec.Raw])

UNUSUAL = r"""{
  "seed" : 12345678901234567890123456789012345678901234567890,
  "temperature":1E+2, "top_p": -0.0,"logit_bias" : {"50256":-100 , "1":1.000000000000000000001},
  "x\u0061b\"c" : "a\u0000b\ud83d\ude00\/\t",
  "huge": 1e400,
  "مفتاح": "قيمة ﷽ 🜂",
  "empty": {}, "nothing":null,  "list":[ ],
  "tools" : [ {"function":{"parameters":{"properties":{"b":{"type":"string"},"a":{"enum":[1,1.0]}},
      "type":"object"},"name":"z" , "strict" : true},"type":"function","x-extra":[[[[1]]]]} ],
  "model" : "up/first",
  "messages":[{"content":"h\u00e9llo\n","role":"user","name":"n","cache_control":{"type":"x"}}],
  "parallel_tool_calls": false
}"""


def fields_of(body: str | bytes) -> dict[str, bytes]:
    found = {name: bytes(raw) for name, raw in _RAW.decode(body).items()}
    return {name: raw for name, raw in found.items() if name not in OURS}


def received(gateway: GatewayProcess, upstream: SimulatedUpstream, body: str) -> dict[str, bytes]:
    upstream.clear()
    answer = gateway.call("POST", "/v1/chat/completions", body.encode())
    assert answer.status == 200, answer
    return fields_of(upstream.last_body)


def test_an_unusual_body_arrives_as_it_was_written(
    gateway: GatewayProcess, upstream: SimulatedUpstream
) -> None:
    assert received(gateway, upstream, UNUSUAL) == fields_of(UNUSUAL)
    assert json.loads(upstream.last_body)["model"] == "first"


def test_a_stream_differs_only_in_the_usage_that_we_ask_for(
    gateway: GatewayProcess, upstream: SimulatedUpstream
) -> None:
    options = '"stream_options": {"include_usage": false, "include_obfuscation": true}'
    body = UNUSUAL.replace('"model"', f'"stream" :  true, {options}, "model"')
    assert received(gateway, upstream, body) == fields_of(body)
    sent_on = json.loads(upstream.last_body)["stream_options"]
    assert sent_on == {"include_usage": True, "include_obfuscation": True}


@settings(max_examples=60, deadline=None)
@given(
    extra=st.dictionaries(NAMES, JSON_VALUES, max_size=5),
    ascii_only=st.booleans(),
    indent=st.sampled_from([None, 1]),
)
def test_any_extra_field_arrives_as_it_was_written(
    shared_gateway: GatewayProcess,
    simulator: SimulatedUpstream,
    extra: dict[str, Any],
    ascii_only: bool,
    indent: int | None,
) -> None:
    document = {"model": "up/first", **extra, "messages": [{"role": "user", "content": "Hi"}]}
    body = json.dumps(document, ensure_ascii=ascii_only, indent=indent)
    assert received(shared_gateway, simulator, body) == fields_of(body)


def test_half_a_character_arrives_as_it_was_written(serve: Serve) -> None:
    with knowing_upstream() as upstream:
        gateway = serve(fleet(upstream.url, only=("first",)))
        said = "cut in the middle \ud83d"
        answer = gateway.chat(
            messages=[{"role": "user", "content": said}],
            metadata={"title": "\ud83d", "session_id": "s\udc00"},
        )
        assert answer.status == 200, answer
        assert upstream.asked[-1]["messages"][0]["content"] == said
        assert upstream.asked[-1]["metadata"] == {"title": "\ud83d", "session_id": "s\udc00"}
        assert gateway.decision(answer.headers["x-pointsman-decision"])["session"] == "s\ufffd"


@pytest.mark.parametrize("size", [100_000, 3_000_000])
def test_a_large_prompt_arrives_whole(
    gateway: GatewayProcess, upstream: SimulatedUpstream, size: int
) -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * size}}
    answer = gateway.chat(messages=[{"role": "user", "content": [picture]}])
    assert answer.status == 200, answer
    assert upstream.last["body_bytes"] > size


def test_no_credential_or_address_of_the_caller_is_passed_on(
    gateway: GatewayProcess, upstream: SimulatedUpstream
) -> None:
    headers = {
        "authorization": "Bearer callers-own-secret",
        "cookie": "a=b",
        "x-forwarded-for": "10.0.0.1",
        "x-pointsman-agent": "coder",
        "user-agent": "curious/1",
    }
    assert gateway.chat(headers).status == 200
    seen = json.dumps(upstream.last["headers"])
    for value in ("callers-own-secret", "10.0.0.1", "coder", "curious"):
        assert value not in seen
