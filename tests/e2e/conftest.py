"""Which processes stand ready for the tests of the whole gateway?"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from fleets import fleet
from gateway_process import GatewayProcess, Serve
from simulated_upstream import SimulatedUpstream, simulated_upstream

SHOWN_LOG_CHARS = 20_000


@pytest.fixture(scope="session")
def simulator() -> Iterator[SimulatedUpstream]:
    with simulated_upstream() as upstream:
        yield upstream


@pytest.fixture
def upstream(simulator: SimulatedUpstream) -> SimulatedUpstream:
    """The simulated upstream, with no fault ordered and an empty log."""
    simulator.clear()
    return simulator


@pytest.fixture(scope="session")
def shared_gateway(
    simulator: SimulatedUpstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    agents = {"coder": {"requires": ["coding"]}, "idle": {"status": "offline"}}
    config = fleet(simulator.url, agents=agents, aliases={"gpt-4o": "auto:quality"})
    with GatewayProcess(tmp_path_factory.mktemp("gateway"), config) as gateway:
        yield gateway


@pytest.fixture
def gateway(
    shared_gateway: GatewayProcess, upstream: SimulatedUpstream
) -> Iterator[GatewayProcess]:
    """A gateway without keys, for tests in which no upstream fails."""
    seen = len(shared_gateway.log)
    yield shared_gateway
    _show(shared_gateway.log[seen:])


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start gateways of one's own; each ends with the test."""
    started: list[GatewayProcess] = []

    def start(
        config: Mapping[str, Any],
        *,
        arguments: Sequence[str] = (),
        environ: Mapping[str, str] | None = None,
    ) -> GatewayProcess:
        folder = tmp_path / f"gateway-{len(started) + 1}"
        folder.mkdir()
        gateway = GatewayProcess(folder, config, arguments=arguments, environ=environ)
        started.append(gateway)
        return gateway.start()

    yield start
    for gateway in started:
        gateway.stop()
        _show(gateway.log)


def _show(log: str) -> None:
    """pytest shows this when the test has failed, and only then."""
    print(f"the gateway's log:\n{log[-SHOWN_LOG_CHARS:]}", file=sys.stderr)
