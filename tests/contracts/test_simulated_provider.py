"""Does the simulated provider keep the promises of a provider?"""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from provider_contract import ProviderContract
from provider_reading import RealClock

from pointsman.adapters.providers.simulated.faults import Order
from pointsman.adapters.providers.simulated.personas import FLEET
from pointsman.adapters.providers.simulated.provider import SimulatedProvider
from pointsman.core.fleet import Model

SWIFT = next(replace(persona, failures={}) for persona in FLEET if persona.name == "swift-mini")


@dataclass(frozen=True)
class InProcess:
    provider: SimulatedProvider
    model: Model

    def show(self, order: Order) -> None:
        self.provider.models.orders.place(self.model.upstream_name, order, 1)

    def in_flight(self) -> int:
        return self.provider.models.in_flight(self.model.upstream_name)


class TestSimulatedProvider(ProviderContract):
    @pytest.fixture
    def upstream(self) -> InProcess:
        provider = SimulatedProvider({SWIFT.name: SWIFT}, seed=1, clock=RealClock(), time_scale=0.0)
        return InProcess(provider, SWIFT.model)
