"""Does the control API keep to its own OpenAPI document, whatever it is asked?

schemathesis makes requests of the document, sound and unsound ones, and sends them to a real
process: no answer may be a 5xx, and every answer must have a status, a type and a shape that the
document tells of. What it could not make a request of is no failure of ours, and is left out.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from fleets import fleet
from gateway_process import CONTROL, GatewayProcess
from simulated_upstream import simulated_upstream

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)


@pytest.fixture(scope="module")
def asked_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    with simulated_upstream() as upstream:
        agents = {"coder": {"requires": ["coding"]}, "writer": {}}
        config = fleet(upstream.url, agents=agents)
        with GatewayProcess(tmp_path_factory.mktemp("gateway"), config) as gateway:
            for agent in agents:
                assert gateway.chat({"x-pointsman-agent": agent}).status == 200
            yield gateway


def cases(folder: Path, gateway: GatewayProcess, *, examples: int, seed: int) -> tuple[int, str]:
    """How many requests were made, and what was found, in words; empty when nothing was."""
    document = gateway.get(f"{CONTROL}/openapi.json").document
    (folder / "openapi.json").write_text(json.dumps(document), "utf-8")
    command = [str(Path(sys.executable).with_name("st")), "run", str(folder / "openapi.json")]
    command += ["--url", gateway.url, "--checks", ",".join(CHECKS), "--seed", str(seed)]
    command += ["--max-examples", str(examples), "--phases", "coverage,fuzzing"]
    command += ["--suppress-health-check", "all", "--no-color", "--warnings", "off"]
    command += ["--report", "ndjson", "--report-ndjson-path", str(folder / "report.ndjson")]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    words = done.stdout
    failures = words.partition("= FAILURES =")[2] or ""
    return _made(words), failures


def _made(words: str) -> int:
    line = next((each for each in words.splitlines() if " generated" in each), "")
    assert line, words
    return int(line.split()[0].replace(",", ""))


EXAMPLES = [(2, 1), pytest.param(150, 2, marks=[pytest.mark.prove, pytest.mark.timeout(1700)])]


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("examples", "seed"), EXAMPLES)
def test_every_answer_is_one_that_the_document_tells_of(
    asked_gateway: GatewayProcess, tmp_path: Path, examples: int, seed: int
) -> None:
    made, failures = cases(tmp_path, asked_gateway, examples=examples, seed=seed)
    assert made > 500
    assert not failures, failures[:8000]
    assert "a request failed inside the gateway" not in asked_gateway.log
    assert asked_gateway.get("/readyz").status == 200


def _calls(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for path in document["paths"].values():
        yield from path.values()


def test_every_call_tells_how_its_errors_look(asked_gateway: GatewayProcess) -> None:
    document = asked_gateway.get(f"{CONTROL}/openapi.json").document
    wanted = {"$ref": "#/components/schemas/ErrorBody"}
    for call in _calls(document):
        told = call["responses"]["default"]["content"]["application/json"]["schema"]
        assert told == wanted, call["operationId"]
        assert not [status for status in call["responses"] if status[:1] in "45"]
    refused = asked_gateway.get(f"{CONTROL}/agents/nobody")
    schema = document["components"]["schemas"]["ErrorBody"]["properties"]["error"]
    assert set(refused.error) == set(schema["required"])
