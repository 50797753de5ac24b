"""What can a model of this name do, as far as `profiles.yaml` has it?

The file's head says how its figures were derived and how names are matched.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TypedDict

import yaml


class _Entry(TypedDict, total=False):
    """One profile as the file has it."""

    name: str
    match: list[str]
    strengths: dict[str, float]
    without: list[str]
    context_window: int
    max_output_tokens: int
    reviewed: date
    basis: str


@dataclass(frozen=True, slots=True)
class Profile:
    """A reviewed description of the models whose names fit one of the patterns in `match`.

    `strengths` maps capability → [0, 1]; empty for a model that answers no chat request. Windows
    are in tokens, None where unknown. `reviewed` is an ISO date, `basis` says what it rests on.
    """

    name: str
    match: tuple[str, ...]
    strengths: Mapping[str, float]
    context_window: int | None
    max_output_tokens: int | None
    reviewed: str
    basis: str


_DATE = re.compile(r"-20\d\d-?(0[1-9]|1[0-2])-?([0-2]\d|3[01])(?=-|$)")
_POINT = re.compile(r"(?<=v\d)p(?=\d)")
_ENDINGS = ("-free", "-latest")


def plain_name(upstream_name: str) -> str:
    """The name as patterns see it: lower case, without organisation, date and moving endings."""
    name = upstream_name.lower().rsplit("/", 1)[-1].lstrip("~")
    name = name.replace(":", "-").replace("_", "-")
    name = _POINT.sub(".", _DATE.sub("", name)).removeprefix("meta-")
    for ending in _ENDINGS:
        name = name.removesuffix(ending)
    return name


def profile_of(upstream_name: str) -> Profile | None:
    """The first profile that fits the name, or None: then nothing is known of the model."""
    name = plain_name(upstream_name)
    fitting = (
        profile
        for profile in profiles()
        if any(fnmatchcase(name, pattern) for pattern in profile.match)
    )
    return next(fitting, None)


@cache
def profiles() -> tuple[Profile, ...]:
    """All profiles in the order in which they are tried; read once, at the first question."""
    # The pure-Python parser takes ten times as long; wheels of PyYAML bring the fast one.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    text = files(__package__).joinpath("profiles.yaml").read_text("utf-8")
    document = yaml.load(text, Loader=loader)  # noqa: S506 - both loaders are the safe kind
    return tuple(_profile(entry) for entry in document["profiles"])


def _profile(entry: _Entry) -> Profile:
    without = entry.get("without", ())
    strengths = {name: value for name, value in entry["strengths"].items() if name not in without}
    return Profile(
        name=entry["name"],
        match=tuple(entry["match"]),
        strengths=MappingProxyType(strengths),
        context_window=entry.get("context_window"),
        max_output_tokens=entry.get("max_output_tokens"),
        reviewed=entry["reviewed"].isoformat(),
        basis=entry["basis"],
    )
