"""What becomes of an alert that somebody took for a time that is over?

Nobody has it any more: that is told like its beginning, and is a line of the history.
"""

from __future__ import annotations

import asyncio
import logging

from pointsman.core.alert_log import Now
from pointsman.core.alert_memory import Step
from pointsman.core.errors import StoreError
from pointsman.engine.alert_ports import AlertStore
from pointsman.engine.alert_standing import Alerts

MOST_AT_ONCE = 100
"""So many are written down in one look; the others in the next ones."""

BECAUSE = "the time for which it was taken is over"

log = logging.getLogger(__name__)


async def give_back(alerts: Alerts, store: AlertStore, now: Now) -> None:
    """Write down that nobody has them, once each, and know it. A store that fails is asked again
    in the next look; that the alert is nobody's is told all the same.
    """
    for alert, ack in alerts.lapsed(now.at)[:MOST_AT_ONCE]:
        line = alerts.line(alert, Step.UNACKED, now.at)
        details = {"because": BECAUSE, "taken_by": ack.by}
        try:
            kept = alerts.kept(alert, now)
            await asyncio.to_thread(store.take, kept, line._replace(details=details))
        except StoreError as error:
            log.warning("that an alert is nobody's any more cannot be written yet: %s", error)
            return
        if alerts.acks.get(alert.fingerprint) is ack:
            alerts.take(alert, None)
