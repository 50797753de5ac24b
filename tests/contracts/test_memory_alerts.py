"""Does the store that stands in for alerts in tests keep the contract?"""

from __future__ import annotations

import pytest
from alert_store_contract import AlertStoreContract

from memory_alerts import MemoryAlerts


@pytest.fixture
def alerts() -> MemoryAlerts:
    return MemoryAlerts()


class TestAlertsInMemory(AlertStoreContract):
    pass
