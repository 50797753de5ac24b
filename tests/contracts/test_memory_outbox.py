"""Does the outbox that tests deliver from behave like a real one?"""

from __future__ import annotations

import pytest
from outbox_contract import OutboxContract

from memory_outbox import MemoryOutbox


class TestMemoryOutbox(OutboxContract):
    @pytest.fixture
    def outbox(self) -> MemoryOutbox:
        return MemoryOutbox()
