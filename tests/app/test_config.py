"""Does a sound configuration become what its author meant?"""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
import sys
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.adapters.providers.presets import PRESETS
from pointsman.adapters.providers.simulated.faults import Fault
from pointsman.app.config import Configuration, load, parse
from pointsman.app.keeping import StoreEntry, StoreSettings, store_settings
from pointsman.app.starter import starter_text
from pointsman.core.admission import BreakerPolicy
from pointsman.core.decision import Strategy
from pointsman.core.errors import ConfigError
from pointsman.core.exploration import ExplorationPolicy
from pointsman.core.fleet import (
    FREE,
    UNKNOWN_PRICE,
    AgentKind,
    AgentStatus,
    Limits,
    Price,
    PriceState,
    Rate,
    Weights,
)
from pointsman.core.naming import meaning
from pointsman.engine.policy import Policy, RetryPolicy, Scoring, Timeouts

GOOD = Path(__file__).parent / "fixtures" / "good"
ENVIRON = {
    "OPENAI_API_KEY": "canary-openai-key",
    "CI_KEY": "canary-of-the-callers",
    "HOME": "/home/ada",
}


@pytest.fixture(scope="module")
def full() -> Configuration:
    return load(GOOD / "full.yaml", ENVIRON)


@pytest.mark.parametrize("path", sorted(GOOD.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_sound_file_loads_and_is_watched(path: Path) -> None:
    config = load(path, ENVIRON)
    assert path in config.watched
    assert config.source.startswith(str(path))
    assert len(config.version) == 12
    assert config.fleet.version == config.version


def test_the_server_and_its_limits_are_as_written(full: Configuration) -> None:
    assert (full.server.host, full.server.port) == ("0.0.0.0", 9000)
    assert (full.server.log_level, full.server.log_format) == ("debug", "json")
    assert full.server.data_dir == Path("/home/ada/pm")
    assert full.limits.max_body_bytes == 2048
    assert full.limits.max_connections == 5


def test_what_is_kept_is_as_written(full: Configuration) -> None:
    assert full.store == StoreSettings("strict", 2**30, 0, 2, 20, 200, 100, 50)
    assert full.store.strict
    assert not parse("", ENVIRON).store.strict


def test_what_is_kept_is_by_default_what_the_section_says() -> None:
    assert store_settings(StoreEntry()) == StoreSettings()


def test_the_policy_is_as_written(full: Configuration) -> None:
    assert full.policy == Policy(
        strategy=Strategy.COST,
        scoring=Scoring.CLASSIC,
        exploration=ExplorationPolicy(share=0.01),
        band=0.1,
        timeouts=Timeouts(1, 30, 2, 40),
        retry=RetryPolicy(3, 1, 1, 0, 0.1, 1),
        breaker=BreakerPolicy(2, 0.25, 10, 1, 2),
    )


def test_what_is_not_written_is_the_default_of_the_policy_itself() -> None:
    assert parse("", {}).policy == Policy()


def test_a_provider_has_its_preset_with_the_operators_words_over_it(full: Configuration) -> None:
    openai, local = full.providers["openai"], full.providers["local"]
    assert openai.base_url == PRESETS["openai"].base_url
    assert openai.quirks == PRESETS["openai"].quirks
    assert openai.api_key is not None
    assert openai.api_key.reveal() == "canary-openai-key"
    assert openai.headers["OpenAI-Project"].reveal() == "proj_default"
    assert local.base_url == "https://gpu.example/v1"
    assert local.quirks.models_path is None
    assert local.quirks.max_tokens_field is None
    assert local.quirks.affinity_header is None
    assert local.quirks.query == (("region", "eu"),)
    assert local.quirks.drop_fields == ("store",)
    assert not local.quirks.done_required


def test_a_provider_waits_as_long_as_the_routing_says_unless_it_says_otherwise(
    full: Configuration,
) -> None:
    assert full.providers["openai"].timeouts == Timeouts(1, 20, 2, 40)
    assert full.providers["local"].timeouts == full.policy.timeouts


def test_a_model_is_what_the_catalogue_knows_and_the_operator_says(full: Configuration) -> None:
    plain, changed = (full.fleet.models[f"openai/{name}"] for name in ("gpt-4o-mini", "gpt-4o"))
    assert plain.price.state is PriceState.KNOWN
    assert plain.context_window == 128_000
    assert plain.sources["price"].origin.startswith("genai-prices")
    assert changed.display_name == "Four"
    assert changed.strengths == {"coding": 0.5}
    assert changed.limits == Limits(7, 600, 90_000)
    assert changed.sources["limits"].origin == "configuration"
    assert changed.sources["context_window"].origin == "configuration"
    assert changed.sources["price"].origin.startswith("genai-prices")
    assert (changed.context_window, changed.max_output_tokens) == (9000, 9000)


def test_a_model_id_may_hold_slashes_and_colons(full: Configuration) -> None:
    model = full.fleet.models["local/org/some-model:free"]
    assert (model.provider, model.upstream_name) == ("local", "org/some-model")
    assert full.fleet.models["local/other"].upstream_name == "other"


def test_an_alias_stands_for_a_model_an_agent_or_a_way_to_choose(full: Configuration) -> None:
    assert full.aliases["gpt-4"] == "openai/gpt-4o"
    for alias in full.aliases:
        assert meaning(alias, full.fleet, aliases=full.aliases, strategy=Strategy.BALANCED)


def test_a_price_is_known_free_or_unknown_and_exact(full: Configuration) -> None:
    models = full.fleet.models
    assert models["local/org/some-model:free"].price == Price(
        PriceState.KNOWN,
        input=Rate(Decimal("0.15")),
        output=Rate(Decimal("0.6")),
        cached_input=Rate(Decimal("0.075")),
        cache_write=Rate(Decimal("0.2")),
        per_request_usd=Decimal("0.001"),
    )
    assert models["local/other"].price == FREE
    assert models["local/mystery"].price == UNKNOWN_PRICE


def test_a_simulated_model_is_its_well_known_persona_with_changes(full: Configuration) -> None:
    personas = full.providers["sim"].personas
    assert full.providers["sim"].seed == 3
    swift, own = personas["swift-mini"], personas["own"]
    assert (swift.pace.time_scale, swift.pace.first_token_s) == (0, 0.16)
    assert (swift.max_in_flight, swift.context_window, swift.price) == (2, 2000, FREE)
    assert swift.failures
    assert own.failures == {Fault.CUT: 0.5}
    assert own.drift[0].failure_factor == 3
    assert own.strengths == full.fleet.models["sim/own"].strengths == {"general": 0.9}
    assert full.fleet.models["sim/swift-mini"].max_output_tokens == 2000


def test_an_agent_is_as_written_and_a_name_is_not_needed(full: Configuration) -> None:
    coder, plain = full.fleet.agents["coder"], full.fleet.agents["plain"]
    assert coder.weights == Weights(quality=0.5, latency=0.0, cost=0.5)
    assert (coder.latency_budget_s, coder.explore, coder.infer_type) == (1.5, False, True)
    assert (plain.weights, plain.latency_budget_s, plain.explore) == (None, None, True)
    assert (coder.kind, coder.status) == (AgentKind.TOOL, AgentStatus.MAINTENANCE)
    assert (coder.requires, coder.prefers) == (("coding",), ("general",))
    assert coder.allow == {"openai/gpt-4o-mini", "openai/gpt-4o"}
    assert coder.deny == {"sim/own"}
    assert coder.pinned == "openai/gpt-4o"
    assert coder.task_types == ("coding", "refactoring")
    assert (plain.name, plain.min_context) == ("plain", 2048)
    assert "default" in full.fleet.agents


@pytest.mark.parametrize(
    ("text", "infers"),
    [
        ("agents: {a: {}}", {"default"}),
        ("agents: {a: {infer_task_type: true}, default: {}}", {"a", "default"}),
        ("agents: {default: {infer_task_type: false}}", set()),
        ("agents: {default: {task_types: [math]}}", set()),
    ],
)
def test_a_type_is_inferred_for_whoever_is_not_declared_or_asks_for_it(
    text: str, infers: set[str]
) -> None:
    agents = parse(text, {}).fleet.agents
    assert {agent.id for agent in agents.values() if agent.infer_type} == infers


def test_of_a_callers_key_only_the_hash_remains(full: Configuration) -> None:
    ci, boss = full.keys
    assert ci.sha256 == hashlib.sha256(b"canary-of-the-callers").hexdigest()
    assert (ci.role, ci.agents) == ("caller", ("coder", "default"))
    assert (boss.sha256, boss.role) == ("abcdef0123456789" * 4, "admin")
    assert "canary" not in repr(full)
    assert full.secrets == {"canary-openai-key", "proj_default"}


def test_the_redacted_configuration_is_whole_and_holds_no_secret(full: Configuration) -> None:
    text = json.dumps(dict(full.redacted))
    assert "canary" not in text
    assert "abcdef0123456789" not in text.lower()
    assert full.redacted["providers"]["openai"]["api_key"] == "***"
    assert full.redacted["keys"][1] == {
        "name": "boss",
        "sha256": "***",
        "role": "admin",
        "agents": [],
    }
    assert full.redacted["limits"]["max_body_bytes"] == 2048
    assert full.redacted["models"]["sim/own"]["simulate"]["failures"] == {"cut": 0.5}
    assert parse("", {}).redacted["routing"]["max_attempts"] == 4


def test_anchors_and_merge_keys_are_followed() -> None:
    fleet = load(GOOD / "anchors.yaml", {}).fleet
    assert [model.context_window for model in fleet.models.values()] == [1000, 2000, 3000]
    assert all(model.price == FREE for model in fleet.models.values())
    assert fleet.agents["two"].requires == ("general",)


def test_names_are_not_mistaken_for_truth_times_or_dates() -> None:
    path = GOOD / "words_that_other_yaml_reads_as_something_else.yaml"
    fleet = load(path, {}).fleet
    assert fleet.models["no/llama3:8b"].display_name == "2024-01-01"
    assert fleet.models["no/12:30"].display_name == "on"
    assert fleet.agents["yes"].name == "1_000"


def test_without_a_file_there_is_nothing_to_watch() -> None:
    config = load(None, {})
    assert config.watched == ()
    assert config.version == parse("", {}).version


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    path = tmp_path / "pointsman.yaml"
    path.write_bytes(b"\xef\xbb\xbfserver: {port: 9}\n")
    assert load(path, {}).server.port == 9


def test_a_file_that_holds_a_secret_is_watched_and_a_plain_reference_keeps_its_type(
    tmp_path: Path,
) -> None:
    (tmp_path / "key").write_text("canary-from-a-file\n")
    path = tmp_path / "pointsman.yaml"
    path.write_text(
        "server:\n  port: ${IGNORED:-9}\nproviders: {openai: {type: openai, api_key: file:key}}\n"
    )
    config = load(path, {})
    assert config.server.port == 9
    assert config.watched == (path, tmp_path / "key")
    assert "canary-from-a-file" in config.secrets


@pytest.mark.parametrize(
    ("text", "environ", "expected"),
    [
        ("", {"XDG_DATA_HOME": "/data", "HOME": "/h"}, "/data/pointsman"),
        ("", {"XDG_DATA_HOME": "relative", "HOME": "/h"}, "/h/.local/share/pointsman"),
        ("", {"HOME": "/h"}, "/h/.local/share/pointsman"),
        ("", {}, "/.local/share/pointsman"),
        ("server: {data_dir: /var/pm}", {}, "/var/pm"),
        ("server: {data_dir: pm}", {}, "/etc/pointsman/pm"),
    ],
)
def test_data_goes_where_it_belongs(text: str, environ: dict[str, str], expected: str) -> None:
    config = parse(text, environ, path=Path("/etc/pointsman/pointsman.yaml"))
    assert config.server.data_dir == Path(expected)


def shuffled(value: Any, chance: random.Random) -> Any:
    if not isinstance(value, dict):
        return value
    keys = list(value)
    chance.shuffle(keys)
    return {key: shuffled(value[key], chance) for key in keys}


@given(st.randoms(use_true_random=False))
@settings(max_examples=20, deadline=None)
def test_the_version_does_not_depend_on_the_order_of_keys(chance: random.Random) -> None:
    document = yaml.safe_load((GOOD / "full.yaml").read_text("utf-8"))
    text = yaml.safe_dump(shuffled(document, chance), sort_keys=False)
    assert parse(text, ENVIRON).version == load(GOOD / "full.yaml", ENVIRON).version


def version(text: str, environ: dict[str, str] | None = None) -> str:
    return parse(text, environ or {}).version


def test_the_version_is_that_of_what_holds_not_of_how_it_is_written() -> None:
    assert version("routing: {max_attempts: 4}") == version("")
    assert version("server: {data_dir: /a}") == version("", {"HOME": "/b"})
    assert version("routing: {band: 1}") == version("routing: {band: 1.0}")
    key = "canary-0123456789"
    digest = hashlib.sha256(key.encode()).hexdigest()
    written = version(f"keys: [{{name: a, key: {key}}}]")
    assert written == version(f'keys: [{{name: a, sha256: "{digest}"}}]')


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("routing: {band: 0.1}", "routing: {band: 0.2}"),
        ("agents: {a: {requires: [x]}}", "agents: {a: {requires: [y]}}"),
        ("keys: [{name: a, key: 0123456789abcdef}]", "keys: [{name: a, key: 0123456789abcdeF}]"),
        ("aliases: {x: auto:cost}", "aliases: {x: auto:speed}"),
        ("limits: {max_connections: 1}", "limits: {max_connections: 2}"),
        ("server: {log_level: info}", "server: {log_level: debug}"),
    ],
)
def test_another_configuration_has_another_version(one: str, other: str) -> None:
    assert version(one) != version(other)


def test_another_secret_makes_another_version() -> None:
    assert version("", {"GROQ_API_KEY": "one"}) != version("", {"GROQ_API_KEY": "two"})


LINES = starter_text().splitlines()


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_any_text_loads_or_raises_config_error_and_nothing_else(data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(LINES) - 1))
    insertion = data.draw(st.text(max_size=30))
    column = data.draw(st.integers(0, len(LINES[position])))
    changed = LINES[position][:column] + insertion + LINES[position][column:]
    text = "\n".join([*LINES[:position], changed, *LINES[position + 1 :]])
    with suppress(ConfigError):
        assert parse(text, {}).version


def test_a_simulated_fleet_is_served_without_loading_the_price_list() -> None:
    program = (
        "import sys; from pointsman.app.config import parse; parse('', {}); "
        "sys.exit('genai_prices' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_secrets_in_queries_are_masked_and_scrubbed() -> None:
    text = """
providers:
  up:
    type: openai_compatible
    base_url: http://127.0.0.1:9/v1
    quirks: {query: {key: a-secret-query-value, api-version: "2024-10-21"}}
models: {up/a: {}}
"""
    configuration = parse(text, {})
    query = configuration.redacted["providers"]["up"]["quirks"]["query"]
    assert query == {"key": "***", "api-version": "2024-10-21"}
    assert "a-secret-query-value" in configuration.secrets


def test_telemetry_is_off_unless_an_endpoint_is_named() -> None:
    quiet = parse("telemetry: {otlp: {sample: 0.5}}", {})
    assert (quiet.telemetry.endpoint, quiet.policy.traced) == (None, None)
    told = parse("telemetry: {otlp: {endpoint: 'https://otel.example/base', sample: 0.5}}", {})
    assert told.telemetry == ("https://otel.example/base", 0.5, 60.0)
    assert told.policy.traced == 0.5
    assert told.version != quiet.version


def test_telemetry_without_its_extra_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pointsman.app.checks.is_installed", lambda: False)
    with pytest.raises(ConfigError) as caught:
        parse("telemetry: {otlp: {endpoint: 'http://127.0.0.1:4318'}}", {})
    (problem,) = caught.value.problems
    assert problem.path == "telemetry.otlp.endpoint"
    assert problem.remedy == "pip install 'pointsman[otel]'"


@pytest.mark.parametrize(("written", "held"), [("", False), ("trust_env: true", True)])
def test_the_environments_proxy_is_used_where_the_configuration_says_so(
    written: str, held: bool
) -> None:
    text = "providers:\n  far:\n    type: openai_compatible\n    base_url: http://far/v1\n"
    found = parse(f"{text}    {written}\n", {})
    assert found.providers["far"].trust_env is held
