"""Is every token billed once, whatever the upstream calls it?"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.adapters.providers.usage import normalised
from pointsman.core.fleet import Usage


@pytest.mark.parametrize(
    ("reported", "usage"),
    [
        ({"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}, Usage(5, 7)),
        (
            {
                "prompt_tokens": 50,
                "completion_tokens": 7,
                "prompt_tokens_details": {"cached_tokens": 40, "audio_tokens": 2},
                "completion_tokens_details": {"audio_tokens": 3, "reasoning_tokens": 4},
                "total_tokens": 57,
            },
            Usage(50, 7, cached_tokens=40, audio_tokens=5),
        ),
        (
            {"prompt_tokens": 50, "completion_tokens": 7, "prompt_cache_hit_tokens": 30},
            Usage(50, 7, cached_tokens=30),
        ),
        ({"prompt_tokens": 50, "completion_tokens": 7, "cached_tokens": 8}, Usage(50, 7, 8)),
        (
            {
                "input_tokens": 10,
                "output_tokens": 7,
                "cache_read_input_tokens": 100,
                "cache_creation_input_tokens": 20,
            },
            Usage(130, 7, cached_tokens=100, cache_write_tokens=20),
        ),
        (
            {
                "prompt_tokens": 50,
                "completion_tokens": 7,
                "total_tokens": 97,
                "prompt_tokens_details": {"cached_tokens": 40},
            },
            Usage(90, 7, cached_tokens=40),
        ),
        (
            {
                "prompt_tokens": 5,
                "completion_tokens": 2,
                "total_tokens": 7,
                "prompt_tokens_details": {"cached_tokens": 5_000},
            },
            Usage(5, 2, cached_tokens=5),
        ),
        ({"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 62}, Usage(5, 57)),
        (
            {
                "prompt_tokens": 5,
                "completion_tokens": 7,
                "total_tokens": 62,
                "completion_tokens_details": {"reasoning_tokens": 50},
            },
            Usage(5, 57),
        ),
        (
            {
                "prompt_tokens": 5,
                "completion_tokens": 7,
                "total_tokens": 999,
                "completion_tokens_details": {"reasoning_tokens": 3},
            },
            Usage(5, 7),
        ),
        (
            {"prompt_tokens": 5, "completion_tokens": 7, "cost": 0.00014},
            Usage(5, 7, reported_cost_usd=Decimal("0.00014")),
        ),
        (
            {"prompt_tokens": 5, "completion_tokens": 7, "cost": {"total_cost": 0.006}},
            Usage(5, 7, reported_cost_usd=Decimal("0.006")),
        ),
        ({"prompt_tokens": 5, "completion_tokens": 7, "cost": -1}, Usage(5, 7)),
        ({"prompt_tokens": 5, "completion_tokens": 7, "cost": "much"}, Usage(5, 7)),
        ({"prompt_tokens": 5, "completion_tokens": 7, "cost": True}, Usage(5, 7)),
        ({"prompt_tokens": 5.0, "completion_tokens": 7}, Usage(5, 7)),
        ({"prompt_tokens": 5}, Usage(5, 0)),
        ({"prompt_tokens": -5, "completion_tokens": 7}, None),
        ({"prompt_tokens": 5, "completion_tokens": -7}, None),
        ({"prompt_tokens": 5.5, "completion_tokens": 7}, None),
        ({"prompt_tokens": True, "completion_tokens": 7}, None),
        ({"prompt_tokens": 10**12, "completion_tokens": 7}, None),
        ({"completion_tokens": 7}, None),
        ({}, None),
        ([], None),
        (None, None),
    ],
)
def test_usage_is_told_in_one_way(reported: Any, usage: Usage | None) -> None:
    assert normalised(json.dumps(reported).encode()) == usage


@given(
    st.dictionaries(
        st.sampled_from(
            ["prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "cost"]
        ),
        st.one_of(st.none(), st.integers(), st.floats(allow_nan=False), st.text(max_size=3)),
    )
)
def test_whatever_is_reported_the_parts_never_exceed_the_whole(reported: dict[str, Any]) -> None:
    usage = normalised(json.dumps(reported).encode().replace(b"Infinity", b"1e999"))
    if usage is not None:
        assert 0 <= usage.cached_tokens <= usage.prompt_tokens
        assert usage.completion_tokens >= 0
        assert usage.reported_cost_usd is None or usage.reported_cost_usd >= 0


@pytest.mark.parametrize(
    ("cost", "believed"),
    [
        ("1e9999999", None),
        ("1e-999999", None),
        ("1e-19", None),
        ("0e99999", None),
        ("1000000.01", None),
        (1e300, None),
        ("0." + "1" * 41, None),
        ("1" * 1000, None),
        ("-1", None),
        ("nan", None),
        (1_000_000, Decimal(1_000_000)),
        ("0.000000000000000001", Decimal("1e-18")),
        (0, Decimal(0)),
        (1.4250000000000002e-05, Decimal("0.000014250000000000")),
    ],
)
def test_a_cost_is_believed_only_within_reason(cost: Any, believed: Decimal | None) -> None:
    usage = normalised(json.dumps({"prompt_tokens": 1, "cost": cost}).encode())
    assert usage is not None
    assert usage.reported_cost_usd == believed
