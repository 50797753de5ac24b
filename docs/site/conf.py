"""How is the documentation made into a site? Built by `python docs/site/build.py`.

The source is the whole project, so that a link that is right where the text is read as it is stays
right: `../examples/fleet.yaml` is a file to take along, `../README.md` a page.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))

from navigation import FRONT, contents

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "pointsman"
author = "The pointsman authors"
project_copyright = "The pointsman authors, Apache-2.0"

extensions = ["myst_parser"]
ROOT = Path(__file__).parents[2]
LOOKED_INTO = ("docs", "bench")
"""Others hold nothing to read, and some of them much to walk through."""

root_doc = FRONT
source_suffix = {".md": "markdown"}
include_patterns = ["*.md", "docs/*.md", "docs/*/*.md", "bench/README.md"]
exclude_patterns = [*(f.name for f in ROOT.iterdir() if f.name not in LOOKED_INTO and f.is_dir())]
nitpicky = True

myst_heading_anchors = 4
myst_links_external_new_tab = False

html_theme = "furo"
html_title = "pointsman"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_favicon = "static/icon.svg"


def setup(app: Sphinx) -> None:
    app.connect("source-read", _with_contents)


def _with_contents(_app: Sphinx, page: str, source: list[str]) -> None:
    source[0] += contents(page)
