"""Does everything that we hand out ourselves hold together?"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pointsman.adapters.http.bounds import EdgeLimits
from pointsman.adapters.providers.presets import PRESETS, Quirks
from pointsman.adapters.providers.simulated.personas import AGENTS, FLEET, Episode, Pace, Persona
from pointsman.app.config import parse
from pointsman.app.defaults import WELL_KNOWN
from pointsman.app.section import Section
from pointsman.app.settings import LimitsEntry, TimeoutEntry, schema
from pointsman.app.starter import FILE_NAME, SCHEMA_NAME, schema_text, starter_text
from pointsman.app.upstreams import (
    EpisodeSettings,
    PaceSettings,
    QuirkOverrides,
    Simulation,
    TimeoutOverrides,
)
from pointsman.core.fleet import PriceState
from pointsman.engine.policy import Timeouts

ROOT = Path(__file__).resolve().parents[2]


def test_the_starter_is_valid_as_it_is_and_gives_no_cause_for_advice() -> None:
    config = parse(starter_text(), {})
    assert not config.warnings
    assert "sim/night-shift" in config.fleet.models


def test_the_starter_names_the_schema_that_is_written_beside_it() -> None:
    first = starter_text().splitlines()[0]
    assert first == f"# yaml-language-server: $schema={SCHEMA_NAME}"
    assert FILE_NAME == "pointsman.yaml"


def test_what_the_starter_shows_in_comments_is_valid_too() -> None:
    lines = [
        line.replace("# ", "", 1) if line.startswith(("  # ", "# keys", "#   ")) else line
        for line in starter_text().splitlines()
        if "A simulated model of your own" not in line
    ]
    text = "\n".join("" if line.strip() == "#" else line for line in lines)
    environ = {"OPENAI_API_KEY": "x" * 20, "CI_KEY": "y" * 20}
    config = parse(text, environ)
    assert {"openai/gpt-5.4-mini", "local/qwen3-32b"} < config.fleet.models.keys()
    assert config.keys[0].name == "ci"


def test_the_starter_names_every_type_of_provider() -> None:
    assert all(f" {name}" in starter_text() for name in PRESETS)


def test_the_published_schema_is_up_to_date() -> None:
    published = ROOT / "docs" / "reference" / SCHEMA_NAME
    assert published.read_text("utf-8") == schema_text(), (
        "write it anew: python -c 'from pointsman.app.starter import schema_text; "
        'print(schema_text(), end="")\' > docs/reference/pointsman.schema.json'
    )


def properties(node: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        yield from node.get("properties", {}).items()
        for inner in node.values():
            yield from properties(inner)
    if isinstance(node, list):
        for inner in node:
            yield from properties(inner)


def test_every_key_in_the_schema_is_explained() -> None:
    unexplained = [name for name, node in properties(schema()) if not node.get("description")]
    assert not unexplained


@pytest.mark.parametrize(
    ("section", "value", "apart"),
    [
        (QuirkOverrides, Quirks, set()),
        (TimeoutOverrides, Timeouts, set()),
        (TimeoutEntry, Timeouts, set()),
        (LimitsEntry, EdgeLimits, set()),
        (PaceSettings, Pace, set()),
        (EpisodeSettings, Episode, set()),
        (
            Simulation,
            Persona,
            {
                "name",
                "display_name",
                "strengths",
                "context_window",
                "max_output_tokens",
                "price",
            },
        ),
    ],
)
def test_a_section_has_the_keys_of_what_it_configures(
    section: type[Section], value: Any, apart: set[str]
) -> None:
    names = {part.name for part in dataclasses.fields(value)}
    assert set(section.model_fields) == names - apart


def test_without_any_key_the_simulated_fleet_is_served_just_as_its_authors_made_it() -> None:
    config = parse("", {"OPENAI_API_KEY": ""})
    assert config.source == "built-in simulated fleet"
    assert list(config.fleet.models.values()) == [persona.model for persona in FLEET]
    assert config.providers["sim"].personas == {persona.name: persona for persona in FLEET}
    assert [config.fleet.agents[agent.id] for agent in AGENTS] == list(AGENTS)
    assert not config.warnings


def test_with_the_key_of_a_provider_its_models_are_served_and_simulated_ones_are_not() -> None:
    config = parse("", {"OPENAI_API_KEY": "k" * 20, "OPENAI_BASE_URL": "https://proxy.example/v1"})
    assert config.source == "environment (OPENAI_API_KEY)"
    assert set(config.providers) == {"openai"}
    assert config.providers["openai"].base_url == "https://proxy.example/v1"
    assert set(config.fleet.agents) == {"default"}


@pytest.mark.parametrize("name", WELL_KNOWN)
def test_the_models_served_by_default_are_known_to_the_catalogue(name: str) -> None:
    config = parse("", {WELL_KNOWN[name].key_variable: "k" * 20})
    models = config.fleet.models.values()
    assert len(models) == len(WELL_KNOWN[name].models)
    assert all(model.profiled and model.context_window for model in models)


def test_the_default_models_of_openai_have_known_prices() -> None:
    models = parse("", {"OPENAI_API_KEY": "k" * 20}).fleet.models.values()
    assert all(model.price.state is PriceState.KNOWN for model in models)


def test_a_file_that_names_no_models_changes_what_is_served_by_default() -> None:
    fixture = Path(__file__).parent / "fixtures" / "good" / "only_a_port.yaml"
    config = parse(fixture.read_text("utf-8"), {})
    assert config.server.port == 9999
    assert len(config.fleet.models) == 12
    assert config.source == "configuration over built-in simulated fleet"
