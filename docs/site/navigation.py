"""Which pages does the site have, under which headings, and in which order?

A page that is not here, or one here that is not there, fails the build.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

FRONT = "README"
"""The page one arrives at; it is `index.html` too."""

DECISIONS = "docs/decisions/README"
"""The page under which the decisions stand, in the order of their numbers."""

HEADINGS: Mapping[str, Sequence[str]] = {
    "Begin": ("docs/tutorial", "What is where <docs/README>", "docs/newcomers-diary"),
    "How to": (
        "docs/how-to/real-providers",
        "docs/how-to/keys-and-agents",
        "docs/how-to/choose-the-scoring",
        "docs/how-to/calibrate",
        "docs/how-to/ask-why",
        "docs/how-to/migrate-from-litellm",
        "docs/how-to/assign-a-fleet",
        "docs/how-to/drain-a-model",
        "docs/how-to/alerts",
        "docs/how-to/page-someone",
        "docs/how-to/send-telemetry",
        "docs/how-to/simulate-failures",
        "docs/how-to/load-test",
        "docs/how-to/postgresql",
        "docs/how-to/hana",
        "docs/how-to/docker-and-compose",
        "docs/how-to/systemd",
        "docs/how-to/kubernetes",
        "docs/how-to/back-up-and-upgrade",
    ),
    "Reference": (
        "docs/reference/configuration",
        "docs/reference/cli",
        "docs/reference/http-api",
        "docs/reference/python-api",
        "docs/reference/metrics",
        "docs/reference/alerts",
        "docs/reference/failures",
        "docs/reference/tables",
    ),
    "Explanation": (
        "docs/explanation/choosing",
        "docs/explanation/learning",
        "docs/explanation/evaluation",
        "docs/explanation/explaining",
        "docs/explanation/blame",
        "docs/explanation/assignment",
        "docs/explanation/alerts",
        "docs/explanation/statistics",
        "docs/explanation/persistence",
        "docs/explanation/dashboard",
        "docs/explanation/lessons",
    ),
    "How it is made": (
        "docs/architecture",
        DECISIONS,
        "bench/README",
        "CONTRIBUTING",
        "SECURITY",
        "CHANGELOG",
    ),
}


def contents(page: str) -> str:
    """What the site adds to the text of `page` so that others stand below it; mostly nothing."""
    if page == FRONT:
        return "".join(_tree(pages, heading) for heading, pages in HEADINGS.items())
    if page == DECISIONS:
        return "\n```{toctree}\n:hidden:\n:glob:\n\n0*\n```\n"
    return ""


def _tree(pages: Sequence[str], heading: str) -> str:
    return "\n".join(("\n```{toctree}", ":hidden:", f":caption: {heading}\n", *pages, "```\n"))
