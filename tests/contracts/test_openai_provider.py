"""Does the OpenAI adapter keep the promises of a provider, against a real server on a socket?"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from provider_contract import ProviderContract
from provider_reading import RealClock

from pointsman.adapters.providers.openai import OpenAIProvider
from pointsman.adapters.providers.presets import Endpoint
from pointsman.adapters.providers.simulated.faults import Order
from pointsman.adapters.providers.simulated.in_thread import reliable_simulator, running
from pointsman.adapters.providers.simulated.personas import FLEET
from pointsman.adapters.providers.simulated.server import Simulator
from pointsman.core.fleet import Model

SWIFT = next(persona for persona in FLEET if persona.name == "swift-mini")


@dataclass(frozen=True)
class OverHttp:
    provider: OpenAIProvider
    model: Model
    simulator: Simulator

    def show(self, order: Order) -> None:
        self.simulator.models.orders.place(self.model.upstream_name, order, 1)

    def in_flight(self) -> int:
        return self.simulator.models.in_flight(self.model.upstream_name)


class TestOpenAIProvider(ProviderContract):
    @pytest.fixture
    async def upstream(self) -> AsyncIterator[OverHttp]:
        simulator = reliable_simulator(seed=1)
        with running(simulator) as url:
            provider = OpenAIProvider(Endpoint("sim", url + "/v1"), RealClock())
            yield OverHttp(provider, SWIFT.model, simulator)
            await provider.close()
