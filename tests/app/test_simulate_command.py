"""Does the command start the upstream that its options describe?"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from decimal import Decimal
from pathlib import Path

import pytest

from free_ports import free_port
from pointsman.adapters.providers.simulated.faults import Fault
from pointsman.adapters.providers.simulated.persona_file import personas_in
from pointsman.adapters.providers.simulated.personas import FLEET
from pointsman.app.commands.simulate import add_arguments, run, simulator
from pointsman.core.errors import ConfigError
from pointsman.core.fleet import PriceState

PERSONAS = """
personas:
  - name: comet
    strengths: {general: 0.8}
    price: {input: 1.5, output: 4, cached_input: 0.1}
    pace: {first_token_s: 0.2, tokens_per_s: 120}
    failures: {cut: 0.01}
    drift: [{from_s: 60, until_s: 120, latency_factor: 3}]
    max_in_flight: 4
  - name: dust
"""


def options(*given: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(given)


def test_without_options_the_whole_fleet_is_simulated() -> None:
    personas = simulator(options()).models.personas
    assert list(personas) == [persona.name for persona in FLEET]
    assert personas["pebble-1b"].failures


def test_reliable_and_time_scale_hold_for_every_persona() -> None:
    personas = simulator(options("--reliable", "--time-scale", "0.5")).models.personas.values()
    assert all(not persona.failures and persona.pace.time_scale == 0.5 for persona in personas)


def test_a_persona_file_replaces_the_fleet(tmp_path: Path) -> None:
    path = tmp_path / "personas.yaml"
    path.write_text(PERSONAS)
    comet, dust = simulator(options("--persona-file", str(path))).models.personas.values()
    assert comet.price.output is not None
    assert comet.price.output.usd_per_mtok == Decimal(4)
    assert comet.price.cached_input is not None
    assert comet.failures == {Fault.CUT: 0.01}
    assert comet.drift[0].latency_factor == 3
    assert dust.price.state is PriceState.FREE


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("- name: x\n  speed: 9", "speed"),
        ("- name: ''", "needs a name"),
        ("- name: x\n  failures: {cut: 2}", "at most 1"),
        ("- name: x\n  pace: {tokens_per_s: 0}", "tokens_per_s"),
        ("- name: x\n  price: {input: 1, output: 1}\n  failures: {earthquake: 0.1}", "earthquake"),
        ("personas: 3", "array"),
        ("{", "expected"),
    ],
)
def test_a_mistake_in_a_persona_file_is_told(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "personas.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=told):
        personas_in(path)


def test_a_price_without_discount_and_a_plain_list_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "personas.json"
    path.write_text('[{"name": "x", "price": {"input": 1, "output": 2}}]')
    (persona,) = personas_in(path)
    assert persona.price.cached_input is None


def test_ordered_failures_hold_for_their_model(capsys: pytest.CaptureFixture[str]) -> None:
    orders = simulator(options("--fail", "swift-mini=cut;after=2")).models.orders
    order = orders.take("swift-mini")
    assert order is not None
    assert (order.fault, order.after) == (Fault.CUT, 2)
    with pytest.raises(ConfigError, match="no such model"):
        simulator(options("--fail", "nobody=cut"))
    for wrong in (["--fail", "swift-mini=earthquake"], ["--time-scale", "-1"]):
        with pytest.raises(SystemExit):
            options(*wrong)
    assert "not a number from 0 up" in capsys.readouterr().err


def test_a_file_that_is_not_there_ends_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(options("--persona-file", "/nowhere/personas.yaml")) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_a_port_in_use_ends_the_command_with_a_failure(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert run(options("--port", str(taken.getsockname()[1]))) == 2
    told = capsys.readouterr().err
    assert "cannot listen: Address already in use" in told
    assert "choose another with --host and --port" in told


def test_the_command_serves_until_it_is_interrupted(tmp_path: Path) -> None:
    port = free_port()
    code = (
        "import argparse, sys; from pointsman.app.commands import simulate as c;"
        "p = argparse.ArgumentParser(); c.add_arguments(p); sys.exit(c.run(p.parse_args()))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, "--port", str(port)], env=os.environ, stderr=subprocess.PIPE
    ) as process:
        try:
            assert lives(port)
        finally:
            process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0


def lives(port: int) -> bool:
    """Does the server answer within ten seconds?"""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/livez") as response:
                return bool(json.load(response) == {"status": "ok"})
        except OSError:
            time.sleep(0.02)
    return False
