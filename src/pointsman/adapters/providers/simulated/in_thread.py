"""How does a test, a demonstration or a benchmark run the simulator beside itself?"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from pointsman.adapters.providers.simulated.models import SimulatedModels
from pointsman.adapters.providers.simulated.personas import FLEET, Persona
from pointsman.adapters.providers.simulated.server import Simulator, uvicorn_server

_START_S = 10.0


def reliable_simulator(
    personas: Iterable[Persona] = FLEET,
    *,
    seed: int = 0,
    time_scale: float = 0.0,
    api_key: str | None = None,
) -> Simulator:
    """A simulator that answers at once and shows no fault that is not ordered."""
    models = SimulatedModels(
        [replace(persona, failures={}) for persona in personas],
        seed=seed,
        started_s=time.monotonic(),
        time_scale=time_scale,
    )
    return Simulator(models, api_key=api_key)


@contextmanager
def running(app: Simulator) -> Iterator[str]:
    """Serve on a free port of the loopback; gives the base URL, without `/v1`."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn_server(app)
    start = partial(server.run, [listening])
    thread = threading.Thread(target=start, name="simulator", daemon=True)
    thread.start()
    until = time.monotonic() + _START_S
    while not server.started:
        if time.monotonic() > until or not thread.is_alive():
            raise RuntimeError("the simulator did not start")
        time.sleep(0.002)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
