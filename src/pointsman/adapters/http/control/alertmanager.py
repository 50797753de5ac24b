"""What do tools see that know Alertmanager: amtool, Karma, Grafana's data source?

The part of its API v2 that looks at alerts and silences them, with the same paths, names and
statuses. Alerts cannot be posted: they are judged here. In Alertmanager's words a pending alert is
`unprocessed`, and one that is silenced or that another one hides is `suppressed`.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter, SkipValidation

from pointsman.adapters.http.control.alert_settings import check_ahead, utc
from pointsman.adapters.http.control.assigning import who_asks
from pointsman.adapters.http.control.source import ControlSource
from pointsman.core.alert_log import State
from pointsman.core.alert_silences import Matcher, Operator, Silence, matcher
from pointsman.core.alert_words import all_labels
from pointsman.core.errors import RequestError
from pointsman.core.patterns import pattern
from pointsman.engine.alert_desk import Asked as Wanted
from pointsman.engine.alert_desk import Desk
from pointsman.engine.alert_standing import Standing
from pointsman.engine.steps import in_steps

PREFIX = "/api/v2"
SPOKEN = "0.27.0"
"""The version of Alertmanager whose API this is part of."""
NOBODY = "nobody"
"""The receiver of what no route takes: these tools expect one of everything."""

STILL_OPEN = timedelta(minutes=5)
"""Open alerts have an end that lies so far ahead, as if they were posted again in time."""

Source = NamedDependency[SkipValidation[ControlSource]]
Json = Response[bytes]
Filters = Annotated[list[str] | None, QueryParameter(name="filter")]
Text = Annotated[str | None, QueryParameter(max_length=256)]
Flag = Annotated[bool, QueryParameter()]


class _Status(msgspec.Struct, rename="camel"):
    state: str
    silenced_by: list[str]
    inhibited_by: list[str]
    muted_by: list[str] = []


class _Alert(msgspec.Struct, rename="camel"):
    annotations: dict[str, str]
    receivers: list[dict[str, str]]
    fingerprint: str
    starts_at: datetime
    updated_at: datetime
    ends_at: datetime
    status: _Status
    labels: dict[str, str]
    generator_url: str = msgspec.field(name="generatorURL", default="")


class _Matcher(msgspec.Struct, rename="camel"):
    name: str
    value: str
    is_regex: bool
    is_equal: bool = True


class _PostedSilence(msgspec.Struct, rename="camel"):
    matchers: list[_Matcher]
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str
    id: str = ""


class _State(msgspec.Struct):
    state: str


class _Silence(msgspec.Struct, rename="camel"):
    id: str
    status: _State
    updated_at: datetime
    matchers: list[_Matcher]
    starts_at: datetime
    ends_at: datetime
    created_by: str
    comment: str


_posted = msgspec.json.Decoder(_PostedSilence)


@get("/status", include_in_schema=False)
async def status(source: Source) -> Json:
    """That of a server without a cluster."""
    version = dict.fromkeys(("branch", "buildDate", "buildUser", "goVersion", "revision"), "")
    return _json(
        {
            "cluster": {"status": "disabled", "peers": []},
            "config": {"original": "# see GET /api/v1/model-router/config\n"},
            "uptime": source.counted().began,
            "versionInfo": {**version, "version": f"{SPOKEN}+pointsman"},
        }
    )


@get("/receivers", include_in_schema=False)
async def receivers(source: Source) -> Json:
    """All channels that routes lead to."""
    names = {name for route in source.alerts().alerts.plan.routes for name in route.channels}
    return _json([{"name": name} for name in sorted(names) or [NOBODY]])


@get("/alerts", include_in_schema=False)
async def alerts(
    source: Source,
    *,
    wanted: Filters = None,
    receiver: Text = None,
    active: Flag = True,
    silenced: Flag = True,
    inhibited: Flag = True,
    unprocessed: Flag = True,
) -> Json:
    """Alerts that are pending or open, filtered as Alertmanager does."""
    desk = source.alerts()
    keep = _Kept(active=active, silenced=silenced, inhibited=inhibited, unprocessed=unprocessed)
    return await _answered(_found(desk, wanted, receiver, keep))


@get("/alerts/groups", include_in_schema=False)
async def groups(
    source: Source,
    *,
    wanted: Filters = None,
    receiver: Text = None,
    active: Flag = True,
    silenced: Flag = True,
    inhibited: Flag = True,
) -> Json:
    """The same, as they are told together, once for each receiver."""
    desk = source.alerts()
    keep = _Kept(active=active, silenced=silenced, inhibited=inhibited, unprocessed=True)
    return await _answered(_grouped(desk, _found(desk, wanted, receiver, keep)))


@get("/silences", include_in_schema=False)
async def silences(source: Source, *, wanted: Filters = None) -> Json:
    """All silences; a filter asks for those that have such a matcher."""
    desk = source.alerts()
    now = desk.now().at

    async def found() -> list[_Silence]:
        asked = [matcher(each) for each in wanted or ()]
        return [
            _silence(each, now)
            for each in desk.silences()
            if all(_speaks_of(each, one) for one in asked)
        ]

    return await _answered(found())


@post("/silences", status_code=200, include_in_schema=False)
async def post_silence(source: Source, request: Request[Any, Any, Any]) -> Json:
    """Make a silence, or change the one whose id is given."""
    try:
        data, desk = _posted.decode(await request.body()), source.alerts()
        start, end = utc(data.starts_at, "startsAt"), utc(data.ends_at, "endsAt")
        check_ahead(end, desk.now().at, "endsAt")
        made = await desk.silence(
            Wanted(
                tuple(_read(each) for each in data.matchers),
                start,
                end,
                data.created_by,
                data.comment,
                data.id,
            ),
            who_asks(request, "").by,
        )
    except (msgspec.DecodeError, ValueError, RequestError) as error:
        return _json(str(error), 400)
    return _json({"silenceID": made.id})


@get("/silence/{silence_id:str}", include_in_schema=False)
async def silence(source: Source, silence_id: FromPath[str]) -> Json:
    """One silence."""
    desk = source.alerts()
    for each in desk.silences():
        if each.id == silence_id:
            return _json(_silence(each, desk.now().at))
    return _json("silence not found", 404)


@delete("/silence/{silence_id:str}", status_code=200, include_in_schema=False)
async def end_silence(
    source: Source, request: Request[Any, Any, Any], silence_id: FromPath[str]
) -> Json:
    """End a silence now."""
    if await source.alerts().expire(silence_id, who_asks(request, "").by):
        return _json({})
    return _json(f"silence {silence_id} not found", 404)


def router(dependencies: Mapping[str, Any]) -> Router:
    """The calls, by their paths in full but for `PREFIX`."""
    calls = [status, receivers, alerts, groups, silences, post_silence, silence, end_silence]
    return Router(PREFIX, route_handlers=calls, dependencies=dict(dependencies))


class _Kept(msgspec.Struct):
    """Which alerts are wanted, by how they stand."""

    active: bool
    silenced: bool
    inhibited: bool
    unprocessed: bool

    def keeps(self, each: Standing) -> bool:
        if each.silenced_by and not self.silenced:
            return False
        if each.inhibited_by and not self.inhibited:
            return False
        if each.alert.state is State.PENDING:
            return self.unprocessed
        return self.active or bool(each.silenced_by or each.inhibited_by)


async def _found(
    desk: Desk, wanted: Sequence[str] | None, receiver: str | None, keep: _Kept
) -> list[_Alert]:
    """Raises `ValueError` for a filter that is none."""
    asked = [matcher(each) for each in wanted or ()]
    matching = _matching(desk, asked, pattern(receiver or ".*"), keep)
    found = [each async for each in in_steps(matching, lambda: desk.now().s)]
    return [each for each in found if each is not None]


def _matching(
    desk: Desk, asked: Sequence[Matcher], name: re.Pattern[str], keep: _Kept
) -> Iterator[_Alert | None]:
    """One alert after the other, None for each that is not wanted."""
    now = desk.now().at
    for standing in desk.alerts.standing(desk.known(live_only=True), now):
        labels = all_labels(standing.alert, desk.alerts.rule(standing.alert.rule))
        to = desk.channels_of(standing.alert) or (NOBODY,)
        wanted = keep.keeps(standing) and all(each.matches(labels) for each in asked)
        wanted = wanted and any(name.fullmatch(each) for each in to)
        yield _alert(standing, labels, to, now) if wanted else None


def _alert(standing: Standing, labels: dict[str, str], to: Sequence[str], now: datetime) -> _Alert:
    alert = standing.alert
    suppressed = bool(standing.silenced_by or standing.inhibited_by)
    pending = alert.state is State.PENDING
    return _Alert(
        annotations={"summary": standing.message, "description": standing.explanation},
        receivers=[{"name": each} for each in to],
        fingerprint=alert.fingerprint,
        starts_at=alert.starts_at,
        updated_at=alert.changed_at,
        ends_at=now + STILL_OPEN,
        status=_Status(
            "unprocessed" if pending else "suppressed" if suppressed else "active",
            list(standing.silenced_by),
            [standing.inhibited_by] if standing.inhibited_by else [],
        ),
        labels=labels,
    )


async def _grouped(desk: Desk, wanted: Awaitable[list[_Alert]]) -> list[dict[str, Any]]:
    by = desk.alerts.plan.grouping.by
    gathered: dict[tuple[str, tuple[str, ...]], list[_Alert]] = {}
    for alert in await wanted:
        values = tuple(alert.labels.get(name, "") for name in by)
        for each in alert.receivers:
            gathered.setdefault((each["name"], values), []).append(alert)
    return [
        {
            "labels": {name: value for name, value in zip(by, values, strict=True) if value},
            "receiver": {"name": receiver},
            "alerts": together,
        }
        for (receiver, values), together in sorted(gathered.items(), key=lambda each: each[0])
    ]


def _speaks_of(silence: Silence, asked: Matcher) -> bool:
    return any(asked.matches({each.name: each.value}) for each in silence.matchers)


def _silence(silence: Silence, now: datetime) -> _Silence:
    return _Silence(
        silence.id,
        _State(silence.state(now).value),
        silence.updated_at,
        [_written(each) for each in silence.matchers],
        silence.starts_at,
        silence.ends_at,
        silence.author,
        silence.comment,
    )


def _written(each: Matcher) -> _Matcher:
    is_regex = each.operator in (Operator.LIKE, Operator.NOT_LIKE)
    is_equal = each.operator in (Operator.IS, Operator.LIKE)
    return _Matcher(each.name, each.value, is_regex, is_equal)


def _read(each: _Matcher) -> Matcher:
    operators = {
        (False, True): Operator.IS,
        (False, False): Operator.IS_NOT,
        (True, True): Operator.LIKE,
        (True, False): Operator.NOT_LIKE,
    }
    return Matcher(each.name, each.value, operators[each.is_regex, each.is_equal])


async def _answered(found: Awaitable[Any]) -> Json:
    """What was found; a mistake in a filter is told as Alertmanager tells it."""
    try:
        return _json(await found)
    except ValueError as error:
        return _json(str(error), 400)


def _json(value: object, status_code: int = 200) -> Json:
    return Response(
        msgspec.json.encode(value), status_code=status_code, media_type="application/json"
    )
