"""What does atheris feed to a target? `python -m fuzz.feeding TARGET FOLDER [flags of libFuzzer]`.

A program of its own: what is followed branch by branch has to be imported under atheris' eyes. What
shows a defect is written to FOLDER, as atheris itself does only for what kills the process.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["pointsman"]):
    from fuzz.targets import TARGETS


def main(arguments: list[str]) -> None:
    name, folder, *flags = arguments

    def feed(data: bytes) -> None:
        try:
            TARGETS[name](data)
        except Exception:
            Path(folder, "found-by-a-look").write_bytes(data)
            raise

    atheris.Setup([sys.argv[0], *flags], feed)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
