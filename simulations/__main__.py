"""Which simulations are there?

make sim                                       lists them
make sim ARGS="adaptivity --seeds 0-29"        runs one
make sim ARGS="adaptivity --help"              says what it takes
"""

from __future__ import annotations

import ast
import runpy
import sys
from pathlib import Path

SIMULATIONS = (
    "who_got_what",
    "adaptivity",
    "regret",
    "healing",
    "situations",
    "conversations",
    "queueing",
    "outcomes",
    "train_task_type",
    "alerts",
)
FOLDER = Path(__file__).parent


def questions() -> dict[str, str]:
    """What each simulation that is there answers: the first line of its module."""
    paths = {name: FOLDER / f"{name}.py" for name in SIMULATIONS}
    texts = {name: path.read_text("utf-8") for name, path in paths.items() if path.exists()}
    docs = {name: ast.get_docstring(ast.parse(text)) or "" for name, text in texts.items()}
    return {name: doc.partition("\n")[0] for name, doc in docs.items()}


def main() -> None:
    there = questions()
    listing = "\n".join(f"  {name:16}{question}" for name, question in there.items())
    if len(sys.argv) < 2 or sys.argv[1] in {"-h", "--help"}:
        print(f'make sim ARGS="NAME ..." runs one of these:\n\n{listing}')
        return
    name = sys.argv.pop(1)
    if name not in there:
        sys.exit(f"no simulation is called {name!r}; there are:\n\n{listing}")
    # The module reads the rest of the command line itself, as if it had been called directly.
    runpy.run_module(f"simulations.{name}", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
