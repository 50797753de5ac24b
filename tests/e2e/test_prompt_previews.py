"""Is anything of a prompt kept, and if so, only as it was asked for?"""

from __future__ import annotations

import json

import pytest
from fleets import fleet
from gateway_process import GatewayProcess, Serve
from simulated_upstream import SimulatedUpstream

KEY = "sk-proj-abcdefghijklmnop0123456789"
TALK = [
    {"role": "system", "content": "secret-system-words"},
    {"role": "user", "content": "secret-first-words"},
    {"role": "assistant", "content": "What now?"},
    {"role": "user", "content": f"Pay from\n DE12 3456 with {KEY}, {'word ' * 100}"},
]
PREVIEW = "Pay from *** with ***, word"


def files_of(gateway: GatewayProcess) -> bytes:
    return b"".join(path.read_bytes() for path in gateway.folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("padding", [0, 100_000], ids=["small", "large"])
def test_a_preview_is_redacted_and_stands_in_the_detail_alone(
    serve: Serve, upstream: SimulatedUpstream, stream: bool, padding: int
) -> None:
    store = {"prompt_preview_chars": 64, "redact": [r"DE\d\d( \d{4})+"]}
    gateway = serve({**fleet(upstream.url), "store": store})
    messages = [{"role": "system", "content": "x" * padding}, *TALK]
    answer = gateway.chat(stream=stream, messages=messages)
    assert gateway.decision(answer.headers["x-pointsman-decision"])["prompt_preview"] == PREVIEW
    assert "Pay from" not in json.dumps(gateway.control("/decisions"))
    assert gateway.terminate() == 0
    kept = files_of(gateway)
    assert b"Pay from" in kept
    assert not [each for each in (b"DE12", b"sk-proj", b"secret-") if each in kept]


def test_as_a_rule_nothing_of_a_prompt_is_kept(serve: Serve, upstream: SimulatedUpstream) -> None:
    gateway = serve(fleet(upstream.url))
    answer = gateway.chat(messages=TALK)
    assert gateway.decision(answer.headers["x-pointsman-decision"])["prompt_preview"] is None
    assert gateway.terminate() == 0
    assert not [each for each in (b"Pay from", b"secret-") if each in files_of(gateway)]


def test_a_reload_turns_previews_on_and_off(serve: Serve, upstream: SimulatedUpstream) -> None:
    gateway = serve(fleet(upstream.url))
    on = {**fleet(upstream.url), "store": {"prompt_preview_chars": 8}}
    for config, preview in ((on, "Pay from"), (fleet(upstream.url), None)):
        gateway.configure(config)
        gateway.reload()
        made = gateway.chat(messages=TALK).headers["x-pointsman-decision"]
        assert gateway.decision(made)["prompt_preview"] == preview
