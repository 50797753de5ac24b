"""Which parts of the reference can be read from the code itself, and are they up to date?

`python docs/generate.py` rewrites, in every page, what stands between the two lines
`<!-- generated: name -->` and `<!-- end -->`. The words around it are written by hand. It writes
`ui/openapi.json` too, from which the dashboard's types are made. With `--check` nothing is written;
the exit status is 1 when something is out of date.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from from_code import alerts
from from_code.api import control_calls, python_names
from from_code.commands import commands
from from_code.failures import kinds, rows
from from_code.keys import configuration_keys
from from_code.providers import provider_types
from from_code.tables import tables

from pointsman.app.commands.schema import openapi_text

DOCS = Path(__file__).parent
OPENAPI = DOCS.parent / "ui" / "openapi.json"
REGION = re.compile(r"(<!-- generated: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)

MAKERS: Mapping[str, Callable[[], str]] = {
    "alert-metrics": alerts.metrics,
    "alert-rules": alerts.rules,
    "alert-types": alerts.types,
    "commands": commands,
    "configuration-keys": configuration_keys,
    "control-calls": control_calls,
    "failure-kinds": kinds,
    "failure-rows": rows,
    "provider-types": provider_types,
    "python-names": python_names,
    "tables": tables,
}


def pages() -> Iterator[Path]:
    """All pages with a generated part."""
    return (page for page in sorted(DOCS.rglob("*.md")) if REGION.search(page.read_text("utf-8")))


def fresh(page: Path) -> str:
    """The text of the page as it should be. Raises `KeyError` for a part that nobody makes."""
    return REGION.sub(lambda m: f"{m[1]}\n{MAKERS[m[2]]()}\n\n{m[3]}", page.read_text("utf-8"))


def main(*, check: bool) -> int:
    wanted = {page: fresh(page) for page in pages()} | {OPENAPI: openapi_text()}
    stale = {path: text for path, text in wanted.items() if path.read_text("utf-8") != text}
    for page, text in stale.items():
        print(f"{'out of date' if check else 'rewrote'}: {page.relative_to(DOCS.parent)}")
        if not check:
            page.write_text(text, "utf-8")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv[1:]))
