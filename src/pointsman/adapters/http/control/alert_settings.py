"""Which calls of the control API silence alerts, and write and try out their rules?"""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from litestar import Request, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter, SkipValidation

from pointsman.adapters.http.control.alert_bodies import (
    DoneBody,
    DryRunBody,
    MetricsOfRulesBody,
    OneRuleBody,
    OneSilenceBody,
    RuleBody,
    RulesBody,
    SilenceRequest,
    SilencesBody,
    SwitchRequest,
    WouldHaveBody,
)
from pointsman.adapters.http.control.alert_views import (
    metric_body,
    rule_body,
    scope_body,
    silence_body,
)
from pointsman.adapters.http.control.assigning import FURTHEST, who_asks
from pointsman.adapters.http.control.source import ControlSource
from pointsman.core.alert_metrics import METRICS
from pointsman.core.alert_silences import Matcher, Operator, Silence, SilenceState
from pointsman.core.errors import Conflict, NotFound, RequestError
from pointsman.engine.alert_desk import Asked as Wanted
from pointsman.engine.alert_desk import Desk, RuleInForce
from pointsman.engine.dry_run import Tried

MAX_RULE_BYTES = 65_536
MOST_EPISODES = 200

NEAREST = datetime(1, 1, 2, tzinfo=UTC)
"""As `FURTHEST`, at the other end."""

Source = NamedDependency[SkipValidation[ControlSource]]
Asked = Request[Any, Any, Any]


# Silences --------------------------------------------------------------------------------------


@get("/alerts/silences", query_parameters=("state",))
async def silences(
    source: Source,
    *,
    silence_state: Annotated[SilenceState | None, QueryParameter(name="state")] = None,
) -> SilencesBody:
    """Who has asked not to be told of what; those that ended within the last hour included."""
    desk = source.alerts()
    found = [silence_body(each, desk.now().at) for each in desk.silences()]
    found = [each for each in found if silence_state in (None, each.state)]
    return SilencesBody(silences=found, total_count=len(found))


@get("/alerts/silences/{silence_id:str}")
async def silence(source: Source, silence_id: FromPath[str]) -> OneSilenceBody:
    """One silence."""
    desk = source.alerts()
    for found in desk.silences():
        if found.id == silence_id:
            return await _one_silence(desk, found)
    raise _no_silence(silence_id)


@post("/alerts/silences", status_code=201)
async def add_silence(
    source: Source, request: Asked, data: JSONBody[SilenceRequest]
) -> OneSilenceBody:
    """Do not tell of some alerts for a while. They are judged and recorded as ever."""
    return await _silenced(source.alerts(), data, who_asks(request, "").by, "")


@put("/alerts/silences/{silence_id:str}")
async def change_silence(
    source: Source, request: Asked, silence_id: FromPath[str], data: JSONBody[SilenceRequest]
) -> OneSilenceBody:
    """Change a silence that lasts or is to come."""
    desk, now = source.alerts(), source.alerts().now().at
    if not any(each.id == silence_id and each.ends_at > now for each in desk.silences()):
        raise _no_silence(silence_id)
    return await _silenced(desk, data, who_asks(request, "").by, silence_id)


@delete("/alerts/silences/{silence_id:str}", status_code=200)
async def end_silence(source: Source, request: Asked, silence_id: FromPath[str]) -> DoneBody:
    """End a silence now."""
    if not await source.alerts().expire(silence_id, who_asks(request, "").by):
        raise _no_silence(silence_id)
    return DoneBody(message=f"{silence_id} has ended")


async def _silenced(
    desk: Desk, data: SilenceRequest, author: str, silence_id: str
) -> OneSilenceBody:
    now = desk.now().at
    start = now if data.starts_at is None else utc(data.starts_at, "starts_at")
    if (data.ends_at is None) == (data.hours is None):
        raise RequestError("Give either ends_at or hours.", param="ends_at", code="invalid_value")
    if data.hours is None:
        end = utc(data.ends_at or now, "ends_at")
    elif (lasting := timedelta(hours=data.hours)) < FURTHEST - start:
        end = start + lasting
    else:
        words = "ends_at: a silence ends before 9999-12-31 in UTC."
        raise RequestError(words, param="hours", code="invalid_value")
    check_ahead(end, now, "ends_at")
    try:
        matchers = tuple(
            Matcher(each.name, each.value, Operator(each.operator)) for each in data.matchers
        )
        wanted = Wanted(matchers, start, end, author, data.comment, silence_id)
        made = await desk.silence(wanted, author)
    except ValueError as error:
        raise RequestError(f"{error}.", param="matchers", code="invalid_value") from error
    return await _one_silence(desk, made)


async def _one_silence(desk: Desk, found: Silence) -> OneSilenceBody:
    body = silence_body(found, desk.now().at)
    return OneSilenceBody(silence=body, hides=await desk.hides(found))


def utc(at: datetime, param: str) -> datetime:
    """The instant in UTC; one without an offset could be anybody's.

    Raises `RequestError` for such a one, and for one that UTC cannot say or that lies beyond
    `FURTHEST`.
    """
    if at.tzinfo is None:
        words = f"{param}: an instant needs an offset, as in 2026-03-01T12:00:00Z."
        raise RequestError(words, param=param, code="invalid_value")
    if not NEAREST < at < FURTHEST:
        words = f"{param}: give an instant after 0001-01-01 and before 9999-12-31 in UTC."
        raise RequestError(words, param=param, code="invalid_value")
    return at.astimezone(UTC)


def check_ahead(end: datetime, now: datetime, param: str) -> None:
    """Raises `RequestError` for a silence that would be over before it is made."""
    if end <= now:
        words = f"{param}: a silence cannot end in the past; it is {now:%Y-%m-%dT%H:%M:%SZ}."
        raise RequestError(words, param=param, code="invalid_value")


def _no_silence(silence_id: str) -> NotFound:
    words = f"No silence that lasts is called {silence_id!r}."
    return NotFound(words, param="silence_id", code="unknown_silence")


# Rules -----------------------------------------------------------------------------------------


@get("/alerts/metrics")
async def rule_metrics(source: Source) -> MetricsOfRulesBody:
    """What rules may judge."""
    del source
    return MetricsOfRulesBody(metrics=[metric_body(each) for each in METRICS.values()])


@get("/alerts/rules")
async def rules(source: Source) -> RulesBody:
    """All rules, whoever wrote them, those that are turned off included."""
    desk = source.alerts()
    opened = _open_alerts(desk)
    found = [rule_body(each, opened[each.rule.name]) for each in desk.rules()]
    return RulesBody(rules=found, total_count=len(found))


@get("/alerts/rules/{name:str}")
async def rule(source: Source, name: FromPath[str]) -> OneRuleBody:
    """One rule."""
    found = source.alerts().rule(name)
    if found is None:
        raise _no_rule(name)
    return OneRuleBody(rule=_body_of(source.alerts(), found))


@put("/alerts/rules/{name:str}", request_max_body_size=MAX_RULE_BYTES)
async def write_rule(
    source: Source, request: Asked, name: FromPath[str], data: JSONBody[dict[str, Any]]
) -> OneRuleBody:
    """Write a rule, in the form of `alerts.rules` of the configuration; it is in force at once."""
    desk = source.alerts()
    try:
        made = await desk.write_rule(name, json.dumps(data), who_asks(request, "").by)
    except Conflict:
        raise
    except ValueError as error:
        raise RequestError(f"{error}.", param=name, code="invalid_rule") from error
    return OneRuleBody(rule=_body_of(desk, made))


@patch("/alerts/rules/{name:str}")
async def switch_rule(
    source: Source, request: Asked, name: FromPath[str], data: JSONBody[SwitchRequest]
) -> OneRuleBody:
    """Turn a rule on or off; what it says stays as it is."""
    desk = source.alerts()
    try:
        made = await desk.switch_rule(name, who_asks(request, "").by, on=data.enabled)
    except LookupError as error:
        raise _no_rule(name) from error
    except Conflict:
        raise
    except ValueError as error:
        raise RequestError(f"{error}.", param=name, code="invalid_rule") from error
    return OneRuleBody(rule=_body_of(desk, made))


@delete("/alerts/rules/{name:str}", status_code=200)
async def remove_rule(source: Source, request: Asked, name: FromPath[str]) -> DoneBody:
    """Forget a rule that was written here; a shipped one that it replaced is in force again."""
    desk = source.alerts()
    if await desk.remove_rule(name, who_asks(request, "").by):
        return DoneBody(message=f"{name} is removed")
    if desk.rule(name) is None:
        raise _no_rule(name)
    words = f"{name} was not written here: turn it off with PATCH and enabled: false"
    raise Conflict(words)


@post(
    "/alerts/rules/{name:str}/dry-run",
    status_code=200,
    request_max_body_size=MAX_RULE_BYTES,
    query_parameters=("days",),
)
async def try_rule(
    source: Source,
    name: FromPath[str],
    data: JSONBody[dict[str, Any]],
    *,
    days: Annotated[float, QueryParameter(gt=0, le=31, description="How far to look back.")] = 7.0,
) -> DryRunBody:
    """What a rule would have done, by the record. Nothing is changed and nobody told.

    An empty body tries the rule that is in force under this name.
    """
    desk = source.alerts()
    try:
        found, tried = await desk.try_rule(name, json.dumps(data) if data else "", days)
    except LookupError as error:
        raise _no_rule(name) from error
    except ValueError as error:
        raise RequestError(f"{error}.", param=name, code="invalid_rule") from error
    return _dry_run_body(_body_of(desk, found), tried)


def _dry_run_body(shown: RuleBody, tried: Tried) -> DryRunBody:
    episodes = [
        WouldHaveBody(
            scope=scope_body(each.scope),
            severity=each.severity.name,
            starts_at=each.starts_at,
            ends_at=each.ends_at,
            message=each.message,
        )
        for each in tried.episodes
    ]
    times = f"{len(episodes)} time{'' if len(episodes) == 1 else 's'}"
    return DryRunBody(
        rule=shown,
        fired=len(episodes),
        by_severity=dict(Counter(each.severity for each in episodes)),
        episodes=episodes[:MOST_EPISODES],
        since=tried.since,
        until=tried.until,
        attempts=tried.attempts,
        not_judged=sorted(tried.not_judged),
        message=f"{shown.name} would have fired {times} since {tried.since:%Y-%m-%d %H:%M} UTC",
    )


def _open_alerts(desk: Desk) -> Counter[str]:
    return Counter(each.rule for each in desk.known() if each.is_open)


def _body_of(desk: Desk, found: RuleInForce) -> RuleBody:
    return rule_body(found, _open_alerts(desk)[found.rule.name])


def _no_rule(name: str) -> NotFound:
    return NotFound(f"No rule is called {name!r}.", param="name", code="unknown_rule")
