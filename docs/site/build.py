"""Is the documentation whole, and how is it made into a site?

`python docs/site/build.py [FOLDER [SOURCE]]` builds it, into build/site where no folder is named.

A broken link, an unknown anchor, a page that is missing from the navigation and whatever else the
builder warns of is an error: the exit status is 1, and nothing should be published.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from navigation import FRONT
from sphinx.cmd.build import main as sphinx_build

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def build(folder: Path, source: Path = ROOT) -> int:
    """Make the site of `source` in `folder`; 0 where nothing was wrong with it."""
    shutil.rmtree(folder, ignore_errors=True)
    strict = ("--fail-on-warning", "--keep-going", "--nitpicky")
    status = sphinx_build(["-q", *strict, "-b", "html", "-c", str(HERE), str(source), str(folder)])
    if not status:
        shutil.rmtree(folder / ".doctrees")
        shutil.copyfile(folder / f"{FRONT}.html", folder / "index.html")
    return status


if __name__ == "__main__":
    sys.exit(build(*map(Path, sys.argv[1:] or ["build/site"])))
