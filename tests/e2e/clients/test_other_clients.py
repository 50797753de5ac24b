"""Do the clients that people use work unchanged, each in an environment of its own?"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from gateway_process import GatewayProcess

HERE = Path(__file__).parent
KEPT = "POINTSMAN_CLIENT_ENVIRONMENTS"
"""A folder in which the environments are kept from one run to the next."""

CLIENTS = [
    ("openai-2", "openai>=2,<3", "openai_client.py"),
    ("openai-3", "openai>=3,<4", "openai_client.py"),
    # LiteLLM imports `mcp` as soon as a request has tools, without requiring it.
    ("litellm", "litellm mcp", "litellm_client.py"),
    ("agents", "openai-agents", "agents_client.py"),
]


def environment(name: str, requirement: str, tmp_path: Path) -> Path:
    """The interpreter of an environment that has what is required."""
    folder = Path(os.environ.get(KEPT, tmp_path)) / name
    python = folder / "bin" / "python"
    ready = folder / "ready"
    if not ready.exists():
        venv.create(folder, with_pip=True, clear=True)
        install = [str(python), "-m", "pip", "install", "--quiet", *requirement.split()]
        subprocess.run(install, check=True, timeout=600)
        ready.touch()
    return python


@pytest.mark.prove
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("name", "requirement", "script"), CLIENTS, ids=str)
def test_the_client_is_served_unchanged(
    gateway: GatewayProcess, tmp_path: Path, name: str, requirement: str, script: str
) -> None:
    python = environment(name, requirement, tmp_path)
    variables = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    done = subprocess.run(
        [str(python), str(HERE / script), gateway.openai_url],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**variables, "LITELLM_LOCAL_MODEL_COST_MAP": "True"},
    )
    print(done.stdout, file=sys.stdout)
    assert done.returncode == 0, done.stdout + done.stderr[-5000:]
