"""How long does each target hold against what atheris thinks of? `make fuzz ARGS="events"`.

Without a name all targets take their turn. What has shown a defect is kept in `fuzz/kept/TARGET`,
where `make test` tries it from then on: mend the defect, and commit both.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

from fuzz.seeds import KEPT, VOCABULARY, WORDS, corpus
from fuzz.targets import TARGETS

MOST_MIB = 2048
SLOW_S = 5


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", choices=[[], *TARGETS], help="left out: all")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    args = parser.parse_args(arguments)
    return max(_apart(name, args.seconds) for name in args.targets or TARGETS)


def _apart(name: str, seconds: int) -> int:
    """A target in a process of its own: what kills it must not end the others' turns."""
    with tempfile.TemporaryDirectory() as folder:
        begins = Path(folder, "begins")
        begins.mkdir()
        for number, data in enumerate(corpus(name)):
            Path(begins, str(number)).write_bytes(data)
        words = Path(folder, "words")
        lines = ("".join(f"\\x{byte:02x}" for byte in word) for word in WORDS[VOCABULARY[name]])
        words.write_text("".join(f'"{line}"\n' for line in lines), "ascii")
        found = f"-artifact_prefix={folder}/found-"
        limits = [f"-max_total_time={seconds}", f"-rss_limit_mb={MOST_MIB}", f"-timeout={SLOW_S}"]
        command = [
            sys.executable,
            "-m",
            "fuzz.feeding",
            name,
            folder,
            *limits,
            found,
            f"-dict={words}",
        ]
        status = subprocess.run([*command, str(begins)], check=False).returncode
        for path in Path(folder).glob("found-*"):
            _keep(name, path.read_bytes())
            print(f"{name}: what shows a defect is kept in {KEPT / name}")
    print(f"{name}: {'failed' if status else 'holds'}")
    return 1 if status else 0


def _keep(name: str, data: bytes) -> None:
    folder = KEPT / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
