"""How do all alerts stand, and what does a channel believe of them?"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from watching_world import PLAN, Watched

from pointsman.core.notification import NoticeState


async def test_what_a_channel_was_told_to_fire_is_known_as_long_as_it_has_to_believe_it() -> None:
    watched = Watched()
    watched.attempts(0, 30)
    await watched.look()

    def firing(channel: str) -> dict[str, tuple[NoticeState, str | None]]:
        found = watched.alerts.firing(channel, watched.desk.now())
        return {each.fingerprint: (each.state, each.acknowledged_by) for each in found if each}

    told = {alert.fingerprint for each in watched.told for alert in each.alerts}
    assert firing("pager").keys() == told
    assert firing("nobody") == {}
    taken = watched.alert("low_success_rate")
    await watched.desk.ack(taken.id, "ada", timedelta(hours=1))
    assert firing("pager")[taken.fingerprint] == (NoticeState.ACKNOWLEDGED, "ada")
    # Its end was not told yet.
    watched.alerts.log.end(taken, watched.desk.now(), "enough")
    assert firing("pager").keys() == told
    watched.attempts(1_000)
    await watched.look(7)
    assert firing("pager").keys() <= told - {taken.fingerprint}
    watched.watch.replan(replace(PLAN, enabled=False))
    assert firing("pager") == {}, "nobody watches"
