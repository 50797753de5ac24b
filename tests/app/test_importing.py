"""What serving loads before the first request is what serving needs."""

from __future__ import annotations

import json
import subprocess
import sys

SERVING = "import pointsman.app.cli, pointsman.app.commands.serve, pointsman.app.server"
NEEDED = {
    *("httptools", "uvicorn", "uvloop"),
    *("annotated_types", "pydantic", "pydantic_core", "typing_extensions", "typing_inspection"),
    *("click", "msgspec", "prometheus_client", "pythonjsonlogger", "yaml"),
}


def told(program: str) -> list[str]:
    """What `program`, in a fresh interpreter, prints as a list in JSON."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    found: list[str] = json.loads(done.stdout)
    return found


def test_serving_loads_the_libraries_it_needs_and_no_other() -> None:
    loaded = told(
        f"import json, sys; before = set(sys.modules); {SERVING}\n"
        "new = {n.split('.')[0] for n in set(sys.modules) - before}\n"
        "files = {n: getattr(sys.modules.get(n), '__file__', None) or '' for n in new}\n"
        "print(json.dumps([n for n, file in files.items() if 'site-packages' in file]))"
    )
    assert set(loaded) - {"pointsman"} == NEEDED


def test_no_validator_is_built_and_no_refusal_is_compiled_before_one_is_asked_for() -> None:
    assert (
        told(
            f"{SERVING}\n"
            "import json, pydantic\n"
            "from pointsman.app.section import Section\n"
            "from pointsman.core import evidence\n"
            "built = [s.__name__ for s in Section.__subclasses__() if s.__pydantic_complete__]\n"
            "print(json.dumps(built + ['a refusal'] * evidence._pattern.cache_info().currsize))"
        )
        == []
    )
