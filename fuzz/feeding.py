"""What does atheris feed to one target? `python -m fuzz.feeding TARGET [flags of libFuzzer]`.

A program of its own: what is followed branch by branch has to be imported under atheris' eyes.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["pointsman"]):
    from fuzz.targets import TARGETS


def main(arguments: list[str]) -> None:
    name, *flags = arguments
    atheris.Setup([sys.argv[0], *flags], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
