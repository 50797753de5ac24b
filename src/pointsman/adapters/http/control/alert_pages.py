"""Which alerts stand on a page of them, and where does the next begin?"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from bisect import bisect_right
from typing import NamedTuple

import msgspec

from pointsman.adapters.http.control.alert_bodies import AlertsBody
from pointsman.adapters.http.control.alert_views import alert_body, by_severity
from pointsman.adapters.http.control.source import ControlSource
from pointsman.core.alert_log import Alert
from pointsman.core.alert_metrics import ScopeKind
from pointsman.core.errors import RequestError

MOST_AT_ONCE = 200


class Page(NamedTuple):
    """So many alerts, from the one on that follows `after`."""

    limit: int
    after: str | None = None


class AlertFilter(NamedTuple):
    """Which alerts are asked for; None: any."""

    severity: str | None = None
    alert_type: str | None = None
    model_id: str | None = None
    agent_id: str | None = None
    rule: str | None = None


async def open_alerts(source: ControlSource) -> AlertsBody:
    """The alerts that are pending or open, as many as are told at once, the gravest first."""
    return await alerts_page(source, AlertFilter(), None, Page(MOST_AT_ONCE), live_only=True)


async def alerts_page(
    source: ControlSource, wanted: AlertFilter, state: str | None, page: Page, *, live_only: bool
) -> AlertsBody:
    """The gravest open ones first, then those that are over. Raises `RequestError`."""
    desk = source.alerts()
    everything = desk.known(live_only=live_only)
    found = sorted((each for each in everything if _has(each, wanted, state)), key=_place)
    begin = bisect_right(found, _place_of(page.after), key=_place) if page.after else 0
    end = begin + page.limit
    now_s = desk.now().s
    return AlertsBody(
        alerts=[alert_body(each, now_s) for each in await desk.standing(found[begin:end])],
        total_count=len(found),
        by_severity=by_severity(everything),
        next_cursor=_cursor_of(found[end - 1]) if end < len(found) else None,
    )


_Place = tuple[bool, int, str, str, str]
_PLACE = msgspec.json.Decoder(tuple[bool, int, str, str, str])


def _place(alert: Alert) -> _Place:
    """Open ones first, the gravest of them first; those alike always in one order."""
    kind, id_ = alert.scope
    return not alert.is_live, -alert.severity, alert.rule, kind, id_


def _cursor_of(alert: Alert) -> str:
    return urlsafe_b64encode(msgspec.json.encode(_place(alert))).decode()


def _place_of(cursor: str) -> _Place:
    try:
        return _PLACE.decode(urlsafe_b64decode(cursor))
    except (ValueError, msgspec.DecodeError) as error:
        words = "this is no cursor; use the `next_cursor` of the page before"
        raise RequestError(words, param="cursor") from error


def _has(alert: Alert, wanted: AlertFilter, state: str | None) -> bool:
    scope = alert.scope
    return (
        wanted.severity in (None, alert.severity.name)
        and wanted.alert_type in (None, alert.type.value)
        and wanted.rule in (None, alert.rule)
        and state in (None, alert.state.value)
        and (wanted.model_id is None or scope == (ScopeKind.MODEL, wanted.model_id))
        and (wanted.agent_id is None or scope == (ScopeKind.AGENT, wanted.agent_id))
    )
