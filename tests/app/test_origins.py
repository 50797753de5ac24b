"""Is it told of every value of the configuration where it comes from?"""

from __future__ import annotations

from pointsman.app.config import parse
from pointsman.app.origins import ValueOrigin

FLEET = """\
providers:
  sim: {type: simulated}
models:
  sim/a: {price: free}
agents:
  coder:
    requires: [coding, "${MORE}"]
routing:
  band: ${BAND:-0.1}
  exploration: ${SHARE:-0.02}
"""


def test_values_are_of_a_line_of_the_environment_or_defaults() -> None:
    found = parse(FLEET, {"MORE": "math", "BAND": "0.2"}).origins
    assert found["providers.sim.type"] == ValueOrigin("file", 2)
    assert found["agents.coder.requires[0]"] == ValueOrigin("file", 7)
    assert found["agents.coder.requires[1]"] == ValueOrigin("environment", 7, ("MORE",))
    assert found["routing.band"] == ValueOrigin("environment", 9, ("BAND",))
    assert found["routing.exploration"] == ValueOrigin("file", 10), "the variable is not set"
    assert "routing.strategy" not in found, "a default"
    assert "server.port" not in found


def test_a_short_form_stands_for_all_that_it_comes_to() -> None:
    found = parse(FLEET, {"MORE": "math"}).origins
    price = {each for path, each in found.items() if path.startswith("models.sim/a.price")}
    assert price == {ValueOrigin("file", 4)}


def test_what_stands_in_for_a_fleet_is_built_in_and_what_is_said_beside_it_is_not() -> None:
    found = parse("routing: {band: 0.3}\n", {}).origins
    assert found["routing.band"] == ValueOrigin("file", 1)
    models = {each for path, each in found.items() if path.startswith("models")}
    assert models == {ValueOrigin("built_in")}


def test_no_secret_stands_among_the_origins() -> None:
    text = FLEET + 'keys: [{name: boss, key: "${KEY}", role: admin}]\n'
    found = parse(text, {"MORE": "math", "KEY": "pm-very-secret-0123456789"}).origins
    assert "very-secret" not in repr(found)
    assert found["keys[0].key"] == ValueOrigin("environment", 11, ("KEY",))
