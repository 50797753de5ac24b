"""Has any part become dearer? One table of ratios, each of two things measured in the same minute.

    python -m bench.ratios                    the table; exit status 1 when one is beyond its gate
    python -m bench.ratios --history FILE     and a line of JSON at the end of FILE
    python -m bench.ratios --quick            fewer turns, as the tests do it

Processor time is compared with processor time, in turns, within one run: never with a figure of
another run or machine. So it may be asked of a busy machine, and in CI. The gate of each ratio lies
beyond all noise that was seen; what the ratios are on a quiet machine stands in bench/README.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.measure import WrongAnswers
from bench.ratios import parts, served
from bench.ratios.ratio import QUICK_TURNS, TURNS, Ratio, broken, table
from bench.servers import ROOT, NotStarted

HISTORY = ROOT / "bench" / "results" / "ratios.jsonl"


def measured(turns: int) -> list[Ratio]:
    """All ratios there are; when one is beyond its gate, all are measured again, since what has got
    worse is worse twice.

    Raises `NotStarted` or `WrongAnswers` when a server does not serve.
    """
    found = _once(turns)
    return better(found, _once(turns)) if broken(found) else found


def better(first: Sequence[Ratio], second: Sequence[Ratio]) -> list[Ratio]:
    """Of each the smaller one."""
    return [min(pair, key=lambda each: each.value) for pair in zip(first, second, strict=True)]


def _once(turns: int) -> list[Ratio]:
    return [*parts.measured(turns), *served.measured(turns)]


def entry(ratios: Sequence[Ratio]) -> dict[str, Any]:
    """What the history keeps of a run: what was measured, of which commit, on which machine."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "machine": {
            "processor": _processor(),
            "architecture": platform.machine(),
            "cores": os.cpu_count(),
            "system": f"{platform.system()} {platform.release()}",
            "python": platform.python_version(),
            "load": round(os.getloadavg()[0], 1),
        },
        "ratios": [{**each._asdict(), "value": each.value, "kept": each.kept} for each in ratios],
    }


def _commit() -> str:
    """The commit, with a `+` where files differ from it; empty outside of a repository."""
    git = ["git", "-C", str(ROOT)]
    found = subprocess.run(
        [*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=False
    )
    changed = subprocess.run(
        [*git, "status", "--porcelain"], capture_output=True, text=True, check=False
    )
    return found.stdout.strip() + ("+" if changed.stdout.strip() else "")


def _processor() -> str:
    """What the kernel calls the processor, where it says so."""
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2] for line in text.splitlines() if line.startswith("model name"))
    return next(names, "").strip()


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="bench.ratios", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--history", type=Path, help=f"such as {HISTORY.relative_to(ROOT)}")
    given = parser.parse_args()
    try:
        ratios = measured(QUICK_TURNS if given.quick else TURNS)
    except (NotStarted, WrongAnswers) as error:
        print(error, file=sys.stderr)
        return 1
    found = entry(ratios)
    machine = found["machine"]
    print(
        f"{machine['processor'] or machine['architecture']}, {machine['cores']} cores, load"
        f" {machine['load']}, Python {machine['python']}, commit {found['commit'] or 'unknown'}\n"
    )
    print(table(ratios))
    if given.history:
        given.history.parent.mkdir(parents=True, exist_ok=True)
        with given.history.open("a", encoding="utf-8") as history:
            history.write(json.dumps(found) + "\n")
    return 1 if broken(ratios) else 0


if __name__ == "__main__":
    sys.exit(main())
