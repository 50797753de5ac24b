"""What does an installed pointsman rest on, in which versions and under which licences?

What it needs is read from a wheel, in which versions from the environment that runs this: `sbom`
writes it as a CycloneDX document, `constraints` as the file by which the image is built. The same
wheel and environment give the same bytes. Nobody is asked.

    python deploy/closure.py sbom dist/*.whl --out pointsman.cdx.json
    python deploy/closure.py constraints dist/*.whl --out deploy/constraints.txt
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import (
    Distribution,
    PackageMetadata,
    PackageNotFoundError,
    PathDistribution,
    distribution,
)
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid5

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = "pointsman"
EXTRAS = ("postgres", "otel")
"""What the image has beyond what every installation has."""

_OURS = UUID("7b6f2f0e-5b9b-4f3c-9e5e-2f6f2a6f5d11")
_CLASSIFIER = re.compile(r"License :: (?:OSI Approved :: )?(.+)")


Need = tuple[str, frozenset[str]]
"""A name, and the extras that it is to have."""


class Part(NamedTuple):
    """An installed distribution and the names of those that it rests on."""

    distribution: Distribution
    needs: frozenset[str]

    @property
    def name(self) -> str:
        return canonicalize_name(self.distribution.metadata["Name"])

    @property
    def version(self) -> str:
        return self.distribution.version


def in_wheel(wheel: Path) -> Distribution:
    """The distribution that a wheel holds."""
    name, version = wheel.name.split("-")[:2]
    return PathDistribution(zipfile.Path(wheel, f"{name}-{version}.dist-info/"))


def closure(root: Distribution, extras: Iterable[str] = EXTRAS) -> Mapping[str, Part]:
    """All that `root` with its extras rests on, itself included, by name in their order.

    Raises `PackageNotFoundError` where something of it is not installed.
    """
    parts: dict[str, Part] = {}
    wanted: dict[str, frozenset[str]] = {}
    waiting = [(ROOT, frozenset(extras))]
    while waiting:
        name, more = waiting.pop()
        if name in wanted and more <= wanted[name]:
            continue
        wanted[name] = wanted.get(name, frozenset()) | more
        found = root if name == ROOT else distribution(name)
        needs = list(_needs(found, wanted[name]))
        parts[name] = Part(found, frozenset(need for need, _ in needs))
        waiting += needs
    return dict(sorted(parts.items()))


def _needs(found: Distribution, extras: Iterable[str]) -> Iterator[Need]:
    """Whom a distribution requires here, each with the extras that it is to have."""
    for line in found.requires or ():
        need = Requirement(line)
        tried = [{"extra": extra} for extra in ("", *sorted(extras))]
        if need.marker is None or any(need.marker.evaluate(each) for each in tried):
            yield str(canonicalize_name(need.name)), frozenset(need.extras)


def constraints(parts: Mapping[str, Part]) -> str:
    """A line with the version of each, as pip's --constraint wants it."""
    head = (
        "# What the image is built with; `python deploy/closure.py constraints` writes it anew.\n"
    )
    lines = (f"{part.name}=={part.version}\n" for part in parts.values() if part.name != ROOT)
    return head + "".join(lines)


def sbom(parts: Mapping[str, Part]) -> str:
    """The closure as a CycloneDX 1.6 document, without a time and with a number that follows."""
    components = {name: _component(part) for name, part in parts.items()}
    bom = Bom(components=[each for name, each in components.items() if name != ROOT])
    bom.metadata.component = components[ROOT]
    named = "\n".join(f"{part.name} {part.version}" for part in parts.values())
    bom.serial_number = uuid5(_OURS, named)
    for name, part in parts.items():
        bom.register_dependency(components[name], [components[each] for each in sorted(part.needs)])
    written = make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string()
    document = json.loads(written)
    del document["metadata"]["timestamp"]  # else no two would ever be the same
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def _component(part: Part) -> Component:
    meta = part.distribution.metadata
    url = PackageURL("pypi", None, part.name, part.version)
    kind = ComponentType.APPLICATION if part.name == ROOT else ComponentType.LIBRARY
    component = Component(
        name=part.name,
        version=part.version,
        type=kind,
        bom_ref=str(url),
        purl=url,
        description=_said(meta, "Summary"),
    )
    for licence in _licences(part.distribution):
        component.licenses.add(licence)
    return component


def _said(meta: PackageMetadata, field: str) -> str | None:
    return next(iter(meta.get_all(field) or ()), None)


def _licences(found: Distribution) -> Iterator[Any]:
    """What it says of its licence: an expression, else its classifiers, else its words."""
    make, meta = LicenseFactory(), found.metadata
    expression = _said(meta, "License-Expression")
    if expression:
        yield make.make_with_expression(expression)
        return
    named = [_CLASSIFIER.fullmatch(each) for each in meta.get_all("Classifier") or ()]
    names = [each[1] for each in named if each] or [
        (_said(meta, "License") or "").partition("\n")[0]
    ]
    for name in dict.fromkeys(filter(None, names)):
        yield make.make_with_name(name)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("what", choices=["sbom", "constraints"])
    parser.add_argument("wheel", type=Path, help="of pointsman, as `make dist` builds it")
    parser.add_argument("--out", type=Path, help="a file; left out, it is printed")
    args = parser.parse_args(arguments)
    try:
        parts = closure(in_wheel(args.wheel))
    except PackageNotFoundError as error:
        extras = ",".join(EXTRAS)
        print(f"{error.name} is not installed here; install pointsman[{extras}]", file=sys.stderr)
        return 1
    text = sbom(parts) if args.what == "sbom" else constraints(parts)
    if args.out is None:
        print(text, end="")
    else:
        args.out.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
