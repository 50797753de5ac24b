"""Do the presets describe upstreams that can be used as they stand?"""

from __future__ import annotations

import pytest

from pointsman.adapters.providers.presets import PRESETS, Endpoint, Quirks


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_a_preset_with_an_address_makes_a_usable_endpoint(name: str) -> None:
    preset = PRESETS[name]
    base_url = preset.base_url or "https://example.test"
    endpoint = Endpoint(name, base_url, "key", preset.quirks)
    assert not endpoint.base_url.endswith("/")
    assert endpoint.quirks.chat_path.startswith("/")


@pytest.mark.parametrize("name", ["azure", "openai_compatible", "simulated"])
def test_an_upstream_that_every_operator_has_elsewhere_has_no_address(name: str) -> None:
    assert PRESETS[name].base_url is None


def test_a_key_never_shows_in_the_representation_of_an_endpoint() -> None:
    endpoint = Endpoint("a", "https://a.test", "very-secret", headers={"x-key": "also-secret"})
    assert "secret" not in repr(endpoint)


def test_an_address_without_a_scheme_is_refused() -> None:
    with pytest.raises(ValueError, match="http"):
        Endpoint("a", "api.example.test")


def test_quirks_that_contradict_themselves_are_refused() -> None:
    with pytest.raises(ValueError, match="starts with"):
        Quirks(chat_path="chat")
    with pytest.raises(ValueError, match="model_in_path"):
        Quirks(model_in_path=True)
    with pytest.raises(ValueError, match="model_in_path"):
        Quirks(chat_path="/{model}/chat")
